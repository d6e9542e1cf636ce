#include "common/chan.h"
