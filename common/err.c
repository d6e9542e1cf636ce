#include "common/err.h"
