#include "common/secret.h"
