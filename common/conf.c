#include "common/conf.h"
