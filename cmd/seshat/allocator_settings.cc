// What jemalloc reads at start, before main.

// By default it gives back every block of 8 MiB or more at once, and each copy of a large value
// then pays for fresh pages: enough, on a busy machine, to hold up heartbeats. Such blocks are to
// be kept for a while like all others.
extern "C" const char* malloc_conf;
const char* malloc_conf = "oversize_threshold:0";
