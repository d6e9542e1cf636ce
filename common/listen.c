#include "common/listen.h"
