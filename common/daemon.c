#include "common/daemon.h"
