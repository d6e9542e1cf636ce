#include "common/b64url.h"
