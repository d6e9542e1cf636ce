#include "common/http/http.h"
