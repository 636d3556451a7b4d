// The interpreter: started once, before the snapshot.
#pragma once
#include "cpython.h"

// The Python function that answers every export, NULL before the SDK has set it.
object *handler(void);
