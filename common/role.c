#include "common/role.h"
