// Finds clusters of points by Lloyd's algorithm, and prints them as JSON.
//
//     kmeans FILE
//
// FILE has "POINTS DIMENSIONS CLUSTERS", then the coordinates. The first center is the
// first point, each further one the point farthest from those before, so that the same
// points always give the same clusters.
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MOST_ROUNDS = 100 };

static void fail(const char *what) {
    fprintf(stderr, "kmeans: %s\n", what); // the last line on stderr is in the task's error
    exit(1);
}

static double distance(const double *a, const double *b, int dims) {
    double sum = 0;
    for (int d = 0; d < dims; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

// The center nearest to a point, and how far it is.
static int nearest(const double *point, const double *centers, int k, int dims, double *far) {
    int best = 0;
    *far = DBL_MAX;
    for (int c = 0; c < k; c++) {
        double d = distance(point, centers + (long)c * dims, dims);
        if (d < *far) *far = d, best = c;
    }
    return best;
}

static void begin(const double *points, double *centers, int n, int k, int dims) {
    int chosen = 0;
    for (int c = 0; c < k; c++) {
        for (int d = 0; d < dims; d++) centers[(long)c * dims + d] = points[(long)chosen * dims + d];
        double farthest = -1;
        for (int i = 0; i < n; i++) {
            double far;
            nearest(points + (long)i * dims, centers, c + 1, dims, &far);
            if (far > farthest) farthest = far, chosen = i;
        }
    }
}

// One round. Tells whether a point has changed its cluster.
static int turn(const double *points, double *centers, int *of, int *sizes, int n, int k, int dims) {
    int changed = 0;
    double *sums = calloc((size_t)k * dims, sizeof *sums);
    if (!sums) fail("out of memory");
    for (int c = 0; c < k; c++) sizes[c] = 0;
    for (int i = 0; i < n; i++) {
        double far;
        int c = nearest(points + (long)i * dims, centers, k, dims, &far);
        changed |= c != of[i];
        of[i] = c;
        sizes[c]++;
        for (int d = 0; d < dims; d++) sums[(long)c * dims + d] += points[(long)i * dims + d];
    }
    for (int c = 0; c < k; c++)
        for (int d = 0; sizes[c] && d < dims; d++) centers[(long)c * dims + d] = sums[(long)c * dims + d] / sizes[c];
    free(sums);
    return changed;
}

// The driver of NVIDIA's container toolkit makes these devices.
static int gpus(void) {
    int n = 0;
    for (char name[32]; n < 64; n++) {
        struct stat s;
        snprintf(name, sizeof name, "/dev/nvidia%d", n);
        if (stat(name, &s)) break;
    }
    return n;
}

int main(int argc, char **argv) {
    int n, dims, k;
    FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!in) fail("want a file to read");
    if (fscanf(in, "%d %d %d", &n, &dims, &k) != 3 || dims < 1 || dims > 1000 || k < 1 || n < k || n > 10000000)
        fail("want POINTS DIMENSIONS CLUSTERS, and no more clusters than points");
    double *points = malloc(sizeof *points * n * dims), *centers = malloc(sizeof *centers * k * dims);
    int *of = malloc(sizeof *of * n), *sizes = malloc(sizeof *sizes * k);
    if (!points || !centers || !of || !sizes) fail("out of memory");
    for (long i = 0; i < (long)n * dims; i++)
        if (fscanf(in, "%lf", points + i) != 1) fail("there are fewer coordinates than announced");
    for (int i = 0; i < n; i++) of[i] = -1;

    // No library: a line in a file is a request to the engine.
    const char *where = getenv("GRAFLOW_EFFECTS");
    FILE *engine = where ? fopen(where, "w") : NULL;
    int rounds = 0;
    begin(points, centers, n, k, dims);
    while (rounds < MOST_ROUNDS && turn(points, centers, of, sizes, n, k, dims)) {
        rounds++;
        if (engine) fprintf(engine, "{\"op\":\"progress\",\"done\":%d,\"total\":%d}\n", rounds, MOST_ROUNDS), fflush(engine);
    }

    printf("{\"gpus\":%d,\"rounds\":%d,\"centers\":[", gpus(), rounds);
    for (int c = 0; c < k; c++)
        for (int d = 0; d < dims; d++)
            printf("%s%.17g%s", d ? "," : c ? ",[" : "[", centers[(long)c * dims + d], d == dims - 1 ? "]" : "");
    printf("],\"of\":[");
    for (int i = 0; i < n; i++) printf("%s%d", i ? "," : "", of[i]);
    printf("]}\n");
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
