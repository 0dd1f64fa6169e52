// Included before every file. The waiting functions of libstdc++ 10 call functions of glibc 2.30, if the
// C library against which it was built has them. Without these macros they call older ones.
#include <bits/c++config.h>

#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK
