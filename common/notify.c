#include "common/notify.h"
