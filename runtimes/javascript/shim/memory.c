/* The engine's memory. Blocks up to SMALL bytes, which are nearly all, come from lists of
   freed ones of their size, else from the rest of a chunk; malloc has the others. That is
   several times as fast as malloc alone, which shows: most of what the engine does for a
   call or an object is to allocate. A freed small block stays one of its size. */

#define SMALL (31 * 16) /* with the head in front */
#define CHUNK (32 << 10)

typedef struct {
    uint32_t size;    /* of what the engine may use */
    uint32_t is_small;
} Head;

static void *freed[SMALL / 16 + 1]; /* by size in 16 bytes; each block begins with the next */
static char *chunk;
static size_t chunk_left;

/* forget_freed lets later blocks lie together on new pages, so that a run writes to few of
   the snapshot's. */
static void forget_freed(void)
{
    memset(freed, 0, sizeof freed);
    chunk_left = 0;
}

/* new_small cuts a block from the chunk. */
static void *new_small(size_t whole)
{
    Head *h;
    if (chunk_left < whole) {
        char *more = malloc(CHUNK);
        if (!more)
            return NULL;
        chunk = more;
        chunk_left = CHUNK;
    }
    h = (Head *)chunk;
    chunk += whole;
    chunk_left -= whole;
    *h = (Head){whole - sizeof *h, 1};
    return h + 1;
}

static void *take(size_t size)
{
    size_t whole = (size + sizeof(Head) + 15) & ~(size_t)15;
    Head *h;
    if (whole <= SMALL && whole >= size) {
        void *p = freed[whole / 16];
        if (!p)
            return new_small(whole);
        freed[whole / 16] = *(void **)p;
        return p;
    }
    h = size < UINT32_MAX - sizeof *h ? malloc(size + sizeof *h) : NULL;
    if (!h)
        return NULL;
    *h = (Head){size, 0};
    return h + 1;
}

static void give_back(void *p)
{
    Head *h = (Head *)p - 1;
    if (!h->is_small) {
        free(h);
        return;
    }
    *(void **)p = freed[(h->size + sizeof *h) / 16];
    freed[(h->size + sizeof *h) / 16] = p;
}

static size_t engine_usable(const void *p)
{
    return p ? ((const Head *)p - 1)->size : 0;
}

static void account(JSMallocState *s, const void *p, int sign)
{
    s->malloc_count += sign;
    s->malloc_size += sign * (ptrdiff_t)(engine_usable(p) + sizeof(Head));
}

static void *engine_malloc(JSMallocState *s, size_t size)
{
    void *p = s->malloc_size + size > s->malloc_limit ? NULL : take(size);
    if (p)
        account(s, p, 1);
    return p;
}

static void engine_free(JSMallocState *s, void *p)
{
    if (!p)
        return;
    account(s, p, -1);
    give_back(p);
}

/* engine_realloc leaves p as it is if there is no memory. */
static void *engine_realloc(JSMallocState *s, void *p, size_t size)
{
    Head *h = (Head *)p - 1;
    void *q;
    if (!p)
        return size ? engine_malloc(s, size) : NULL;
    if (!size) {
        engine_free(s, p);
        return NULL;
    }
    if (h->is_small && size <= h->size)
        return p;
    if (!h->is_small && size > SMALL && size < UINT32_MAX - sizeof *h) {
        size_t before = h->size;
        if (size > before && s->malloc_size + size - before > s->malloc_limit)
            return NULL;
        h = realloc(h, size + sizeof *h);
        if (!h)
            return NULL;
        h->size = size;
        s->malloc_size += size - before;
        return h + 1;
    }
    q = engine_malloc(s, size);
    if (q) {
        memcpy(q, p, size < h->size ? size : h->size);
        engine_free(s, p);
    }
    return q;
}

static const JSMallocFunctions engine_memory = {engine_malloc, engine_free, engine_realloc, engine_usable};
