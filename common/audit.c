#include "common/audit.h"
