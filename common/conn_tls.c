#include "common/conn.h"
