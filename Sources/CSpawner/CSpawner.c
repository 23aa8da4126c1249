#include "CSpawner.h"
