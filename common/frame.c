#include "common/frame.h"
