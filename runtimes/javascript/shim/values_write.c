/* Values to JSON: what docs/untrusted-code.md says of results and arguments. */

#define MAX_DEPTH 1000

typedef struct Step { /* where in the value the writer is */
    struct Step *parent;
    JSValueConst object;
    JSAtom key;     /* JS_ATOM_NULL: index counts */
    uint32_t index;
    int depth;
} Step;

typedef struct {
    JSContext *ctx;
    DynBuf out;
    const char *root; /* how messages name the value */
    int lenient;      /* lone surrogates become U+FFFD: for error documents */
} Writer;

static int write_value(Writer *w, JSValueConst v, Step *at);

/* put_path names a place; of a long way the middle is left out. */
static void put_path(DynBuf *b, JSContext *ctx, const char *root, Step *at, int deepest)
{
    if (!at->parent) {
        dbuf_putstr(b, root);
        return;
    }
    put_path(b, ctx, root, at->parent, deepest);
    if (at->depth > 8 && at->depth < deepest - 8) {
        if (at->depth == 9)
            dbuf_putstr(b, "…");
        return;
    }
    if (at->key == JS_ATOM_NULL) {
        dbuf_printf(b, "[%u]", at->index);
    } else {
        const char *name = JS_AtomToCString(ctx, at->key);
        int plain = name && (lre_js_is_ident_first((uint8_t)name[0]));
        for (const char *p = name; plain && *p; p++)
            plain = (uint8_t)*p < 128 && lre_js_is_ident_next((uint8_t)*p);
        dbuf_printf(b, plain ? ".%s" : "[\"%s\"]", name ? name : "?");
        JS_FreeCString(ctx, name);
    }
}

/* refuse throws an error whose kind is invalid_result. Always -1. */
static int refuse(Writer *w, Step *at, const char *why)
{
    DynBuf b;
    JSValue error;
    dbuf_init(&b);
    put_path(&b, w->ctx, w->root, at, at->depth);
    dbuf_printf(&b, " %s", why);
    error = JS_NewObjectProtoClass(w->ctx, w->ctx->native_error_proto[JS_TYPE_ERROR], JS_CLASS_ERROR);
    if (!JS_IsException(error)) {
        JS_DefinePropertyValueStr(w->ctx, error, "message", JS_NewStringLen(w->ctx, (char *)b.buf, b.size),
                                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
        JS_DefinePropertyValueStr(w->ctx, error, "kind", JS_NewString(w->ctx, "invalid_result"),
                                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
        JS_Throw(w->ctx, error);
    }
    dbuf_free(&b);
    return -1;
}

static void put_char(DynBuf *b, uint32_t c)
{
    uint8_t utf8[UTF8_CHAR_LEN_MAX];
    switch (c) {
    case '"': dbuf_putstr(b, "\\\""); return;
    case '\\': dbuf_putstr(b, "\\\\"); return;
    case '\n': dbuf_putstr(b, "\\n"); return;
    case '\r': dbuf_putstr(b, "\\r"); return;
    case '\t': dbuf_putstr(b, "\\t"); return;
    }
    if (c < 0x20)
        dbuf_printf(b, "\\u%04x", c);
    else if (c < 0x80)
        dbuf_putc(b, c);
    else
        dbuf_put(b, utf8, unicode_to_utf8(utf8, c));
}

/* put_narrow writes Latin-1, in runs of what needs no escape. */
static void put_narrow(DynBuf *b, const uint8_t *s, uint32_t n)
{
    uint32_t start = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\')
            continue;
        dbuf_put(b, s + start, i - start);
        put_char(b, s[i]);
        start = i + 1;
    }
    dbuf_put(b, s + start, n - start);
}

/* put_wide writes UTF-16. 0, or -1 at a lone surrogate. */
static int put_wide(DynBuf *b, const uint16_t *s, uint32_t n, int lenient)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = s[i];
        if (is_surrogate(c)) {
            if (is_hi_surrogate(c) && i + 1 < n && is_lo_surrogate(s[i + 1]))
                c = from_surrogate(c, s[++i]);
            else if (lenient)
                c = 0xfffd;
            else
                return -1;
        }
        put_char(b, c);
    }
    return 0;
}

static int write_string(Writer *w, JSValueConst v, Step *at)
{
    JSValue flat = JS_ToString(w->ctx, v);
    JSString *s;
    int bad = 0;
    if (JS_IsException(flat))
        return -1;
    if (JS_VALUE_GET_TAG(flat) == JS_TAG_STRING_ROPE) {
        flat = js_linearize_string_rope(w->ctx, flat);
        if (JS_IsException(flat))
            return -1;
    }
    s = JS_VALUE_GET_STRING(flat);
    dbuf_putc(&w->out, '"');
    if (s->is_wide_char)
        bad = put_wide(&w->out, s->u.str16, s->len, w->lenient);
    else
        put_narrow(&w->out, s->u.str8, s->len);
    dbuf_putc(&w->out, '"');
    JS_FreeValue(w->ctx, flat);
    return bad ? refuse(w, at, "is a string with half of a surrogate pair, which is not Unicode") : 0;
}

static int write_number(Writer *w, JSValueConst v, Step *at)
{
    const char *s;
    char digits[16];
    if (JS_VALUE_GET_TAG(v) == JS_TAG_INT) {
        dbuf_put(&w->out, (uint8_t *)digits, i32toa(digits, JS_VALUE_GET_INT(v))); /* printf is slow */
        return 0;
    }
    if (!isfinite(JS_VALUE_GET_FLOAT64(v)))
        return refuse(w, at, isnan(JS_VALUE_GET_FLOAT64(v)) ? "is NaN, which JSON has not" : "is infinite, which JSON has not");
    s = JS_ToCString(w->ctx, v);
    if (!s)
        return -1;
    dbuf_putstr(&w->out, s);
    JS_FreeCString(w->ctx, s);
    return 0;
}

static int write_bigint(Writer *w, JSValueConst v, Step *at)
{
    const char *s = JS_ToCString(w->ctx, v);
    size_t digits;
    int neg, fits;
    if (!s)
        return -1;
    neg = s[0] == '-';
    digits = strlen(s) - neg;
    fits = digits < 19 || (digits == 19 && strcmp(s + neg, neg ? "9223372036854775808" : "9223372036854775807") <= 0);
    if (fits)
        dbuf_putstr(&w->out, s);
    JS_FreeCString(w->ctx, s);
    return fits ? 0 : refuse(w, at, "is a BigInt beyond 64 bits; make a string of it");
}

static int write_elements(Writer *w, JSValueConst v, Step *at)
{
    int64_t n;
    if (js_get_length64(w->ctx, &n, v) < 0)
        return -1;
    dbuf_putc(&w->out, '[');
    for (int64_t i = 0; i < n; i++) {
        Step in = {at, JS_UNDEFINED, JS_ATOM_NULL, (uint32_t)i, at->depth + 1};
        JSValue e = JS_GetPropertyInt64(w->ctx, v, i);
        int bad = JS_IsException(e);
        if (i)
            dbuf_putc(&w->out, ',');
        if (!bad)
            bad = write_value(w, e, &in);
        JS_FreeValue(w->ctx, e);
        if (bad)
            return -1;
    }
    dbuf_putc(&w->out, ']');
    return 0;
}

static int write_properties(Writer *w, JSValueConst v, Step *at)
{
    JSPropertyEnum *names;
    uint32_t n;
    int bad = 0, wrote = 0;
    if (JS_GetOwnPropertyNames(w->ctx, &names, &n, v, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
        return -1;
    dbuf_putc(&w->out, '{');
    for (uint32_t i = 0; i < n && !bad; i++) {
        Step in = {at, JS_UNDEFINED, names[i].atom, 0, at->depth + 1};
        JSValue key, e = JS_GetProperty(w->ctx, v, names[i].atom);
        bad = JS_IsException(e);
        if (!bad && !JS_IsUndefined(e)) {
            if (wrote++)
                dbuf_putc(&w->out, ',');
            key = JS_AtomToString(w->ctx, names[i].atom);
            bad = write_string(w, key, &in);
            JS_FreeValue(w->ctx, key);
            dbuf_putc(&w->out, ':');
            bad = bad || write_value(w, e, &in);
        }
        JS_FreeValue(w->ctx, e);
    }
    js_free_prop_enum(w->ctx, names, n);
    dbuf_putc(&w->out, '}');
    return bad ? -1 : 0;
}

/* write_entry writes one record of a Map or a Set. */
static int write_entry(Writer *w, JSValueConst key, JSValueConst value, Step *at, int n, int is_set)
{
    Step in = {at, JS_UNDEFINED, JS_ATOM_NULL, (uint32_t)n, at->depth + 1};
    int tag = JS_VALUE_GET_NORM_TAG(key), bad;
    if (n)
        dbuf_putc(&w->out, ',');
    if (is_set)
        return write_value(w, key, &in);
    if (tag == JS_TAG_OBJECT || tag == JS_TAG_SYMBOL || tag == JS_TAG_UNDEFINED)
        return refuse(w, at, "is a Map with a key that is neither text nor a number");
    in.key = JS_ValueToAtom(w->ctx, key);
    bad = in.key == JS_ATOM_NULL || write_string(w, key, &in);
    dbuf_putc(&w->out, ':');
    bad = bad || write_value(w, value, &in);
    JS_FreeAtom(w->ctx, in.key);
    return bad;
}

/* write_map writes a Map (as an object) or a Set (as an array). A record and what it
   has are held while they are written: getters and toJSON may change the collection. */
static int write_map(Writer *w, JSValueConst v, Step *at, int is_set)
{
    JSMapState *s = JS_VALUE_GET_OBJ(v)->u.map_state;
    struct list_head *el = s->records.next;
    int n = 0, bad = 0;
    dbuf_putc(&w->out, is_set ? '[' : '{');
    while (el != &s->records && !bad) {
        JSMapRecord *r = list_entry(el, JSMapRecord, link);
        JSValue key = JS_DupValue(w->ctx, r->key), value = JS_DupValue(w->ctx, r->value);
        r->ref_count++;
        if (!r->empty && (is_set || !JS_IsUndefined(value)))
            bad = write_entry(w, key, value, at, n++, is_set);
        JS_FreeValue(w->ctx, key);
        JS_FreeValue(w->ctx, value);
        el = el->next;
        map_decref_record(w->ctx->rt, r);
    }
    dbuf_putc(&w->out, is_set ? ']' : '}');
    return bad ? -1 : 0;
}

static void put_base64(DynBuf *b, const uint8_t *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *q;
    if (dbuf_realloc(b, b->size + (n + 2) / 3 * 4))
        return;
    q = b->buf + b->size;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t x = p[i] << 16 | (i + 1 < n ? p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        *q++ = digits[x >> 18];
        *q++ = digits[x >> 12 & 63];
        *q++ = i + 1 < n ? digits[x >> 6 & 63] : '=';
        *q++ = i + 2 < n ? digits[x & 63] : '=';
    }
    b->size = q - b->buf;
}

/* bytes_of finds the memory of an ArrayBuffer, a typed array or a DataView. NULL: v is none,
   or it was detached, which *detached tells. */
static const uint8_t *bytes_of(JSContext *ctx, JSValueConst v, size_t *n, int *detached)
{
    static const uint8_t none[1];
    JSObject *p;
    *detached = 0;
    if (JS_VALUE_GET_TAG(v) != JS_TAG_OBJECT)
        return NULL;
    p = JS_VALUE_GET_OBJ(v);
    if (p->class_id == JS_CLASS_ARRAY_BUFFER || p->class_id == JS_CLASS_SHARED_ARRAY_BUFFER) {
        JSArrayBuffer *b = p->u.array_buffer;
        *detached = b->detached;
        *n = b->byte_length;
        return b->detached ? NULL : b->data ? b->data : none;
    }
    if (p->class_id >= JS_CLASS_UINT8C_ARRAY && p->class_id <= JS_CLASS_DATAVIEW) {
        JSTypedArray *t = p->u.typed_array;
        JSArrayBuffer *b = t->buffer->u.array_buffer;
        *detached = b->detached;
        *n = t->length;
        return b->detached ? NULL : b->data ? b->data + t->offset : none;
    }
    return NULL;
}

static int write_bytes(Writer *w, JSValueConst v, Step *at)
{
    size_t n;
    int detached;
    const uint8_t *p = bytes_of(w->ctx, v, &n, &detached);
    if (!p)
        return refuse(w, at, "is a buffer that was transferred away");
    dbuf_putstr(&w->out, "{\"$bytes\":\"");
    put_base64(&w->out, p, n);
    dbuf_putstr(&w->out, "\"}");
    return 0;
}

static int write_date(Writer *w, JSValueConst v, Step *at)
{
    double t;
    JSValue text;
    int bad;
    if (JS_ToFloat64(w->ctx, &t, JS_VALUE_GET_OBJ(v)->u.object_data))
        return -1;
    if (isnan(t))
        return refuse(w, at, "is an invalid Date");
    if (t < -62135596800000.0 || t > 253402300799999.0)
        return refuse(w, at, "is a Date outside the years 1 to 9999");
    text = get_date_string(w->ctx, v, 0, NULL, 0x23);
    if (JS_IsException(text))
        return -1;
    dbuf_putstr(&w->out, "{\"$time\":");
    bad = write_string(w, text, at);
    dbuf_putc(&w->out, '}');
    JS_FreeValue(w->ctx, text);
    return bad;
}

/* write_custom lets an object with toJSON speak for itself; 1 if it has none. */
static int write_custom(Writer *w, JSValueConst v, Step *at)
{
    JSValue f, r;
    int bad;
    if (w->lenient) /* our own document: nothing of the code's takes part */
        return 1;
    f = JS_GetProperty(w->ctx, v, JS_ATOM_toJSON);
    if (JS_IsException(f))
        return -1;
    if (!JS_IsFunction(w->ctx, f)) {
        JS_FreeValue(w->ctx, f);
        return 1;
    }
    r = JS_CallFree(w->ctx, f, v, 0, NULL);
    if (JS_IsException(r))
        return -1;
    bad = JS_VALUE_GET_TAG(r) == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(r) == JS_VALUE_GET_OBJ(v);
    bad = bad ? refuse(w, at, "has a toJSON that answers with itself") : write_value(w, r, at);
    JS_FreeValue(w->ctx, r);
    return bad;
}

static int write_object(Writer *w, JSValueConst v, Step *at)
{
    JSObject *p = JS_VALUE_GET_OBJ(v);
    int done;
    for (Step *s = at->parent; s; s = s->parent) {
        if (JS_VALUE_GET_TAG(s->object) == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(s->object) == p)
            return refuse(w, at, "contains itself");
    }
    at->object = v;
    if (at->depth > MAX_DEPTH)
        return refuse(w, at, "is nested more than 1000 deep");
    if (JS_IsFunction(w->ctx, v))
        return refuse(w, at, "is a function");
    switch (p->class_id) {
    case JS_CLASS_DATE: return write_date(w, v, at);
    case JS_CLASS_MAP: return write_map(w, v, at, 0);
    case JS_CLASS_SET: return write_map(w, v, at, 1);
    case JS_CLASS_NUMBER:
    case JS_CLASS_STRING:
    case JS_CLASS_BOOLEAN:
    case JS_CLASS_BIG_INT: return write_value(w, p->u.object_data, at);
    case JS_CLASS_ARRAY_BUFFER:
    case JS_CLASS_SHARED_ARRAY_BUFFER:
    case JS_CLASS_UINT8_ARRAY:
    case JS_CLASS_DATAVIEW: return write_bytes(w, v, at);
    case JS_CLASS_PROMISE: return refuse(w, at, "is a Promise; await it");
    case JS_CLASS_WEAKMAP:
    case JS_CLASS_WEAKSET:
    case JS_CLASS_WEAK_REF: return refuse(w, at, "is a weak collection or reference");
    case JS_CLASS_REGEXP: return refuse(w, at, "is a RegExp; make a string of it");
    case JS_CLASS_GENERATOR:
    case JS_CLASS_ASYNC_GENERATOR: return refuse(w, at, "is a generator; make an array of it");
    }
    if (p->class_id == JS_CLASS_ARRAY || JS_IsArray(w->ctx, v) > 0 ||
        (p->class_id >= JS_CLASS_UINT8C_ARRAY && p->class_id <= JS_CLASS_FLOAT64_ARRAY))
        return write_elements(w, v, at);
    if ((done = write_custom(w, v, at)) <= 0)
        return done;
    if (p->class_id == JS_CLASS_ERROR)
        return refuse(w, at, "is an Error; throw it, or give its message");
    return write_properties(w, v, at);
}

static int write_value(Writer *w, JSValueConst v, Step *at)
{
    switch (JS_VALUE_GET_NORM_TAG(v)) {
    case JS_TAG_NULL:
    case JS_TAG_UNDEFINED: dbuf_putstr(&w->out, "null"); return 0;
    case JS_TAG_BOOL: dbuf_putstr(&w->out, JS_VALUE_GET_BOOL(v) ? "true" : "false"); return 0;
    case JS_TAG_INT:
    case JS_TAG_FLOAT64: return write_number(w, v, at);
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE: return write_string(w, v, at);
    case JS_TAG_BIG_INT:
    case JS_TAG_SHORT_BIG_INT: return write_bigint(w, v, at);
    case JS_TAG_OBJECT: return write_object(w, v, at);
    case JS_TAG_SYMBOL: return refuse(w, at, "is a symbol");
    }
    return refuse(w, at, "is of a kind that JSON has not");
}

/* to_json writes v into w->out, which the caller frees in any case. -1: an exception is pending. */
static int to_json(Writer *w, JSContext *ctx, JSValueConst v, const char *root, int lenient)
{
    Step top = {NULL, JS_UNDEFINED, JS_ATOM_NULL, 0, 0};
    w->ctx = ctx;
    w->root = root;
    w->lenient = lenient;
    dbuf_init2(&w->out, ctx->rt, (DynBufReallocFunc *)js_realloc_rt);
    if (write_value(w, v, &top))
        return -1;
    if (dbuf_error(&w->out)) {
        JS_ThrowOutOfMemory(ctx);
        return -1;
    }
    return 0;
}
