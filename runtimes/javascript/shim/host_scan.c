/* host.scan finds the next token of TypeScript, which is most of what taking types off
   does, in the cases that are simple. patches/sucrase.patch calls it. */

static uint32_t char_at(const JSString *s, uint32_t i)
{
    return i >= s->len ? 0 : s->is_wide_char ? s->u.str16[i] : s->u.str8[i];
}

static int is_line_end(uint32_t c)
{
    return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029;
}

static int is_blank(uint32_t c)
{
    return c == ' ' || c == '\t' || c == 0x0b || c == 0x0c || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff;
}

static int is_word(uint32_t c)
{
    if (c < 128)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$';
    return !is_blank(c) && !is_line_end(c);
}

static int is_operator(uint32_t c)
{
    return c && c < 128 && strchr("=<>|&+-*/%^?:.!", c) != NULL;
}

/* skip_blanks is where the blanks and comments at i end; past the text if a comment does not. */
static uint32_t skip_blanks(const JSString *s, uint32_t i)
{
    for (; i < s->len; i++) {
        uint32_t c = char_at(s, i), next = char_at(s, i + 1);
        if (c == '/' && next == '/') {
            while (i + 1 < s->len && !is_line_end(char_at(s, i + 1)))
                i++;
        } else if (c == '/' && next == '*') {
            for (i += 2; i + 1 < s->len && !(char_at(s, i) == '*' && char_at(s, i + 1) == '/'); i++)
                ;
            i++;
        } else if (!is_blank(c) && !is_line_end(c)) {
            break;
        }
    }
    return i;
}

/* scan_word gives a word's entry in the tree of keywords that sucrase makes, -1 if it is
   none, -2 if it is not simple. */
static int32_t scan_word(const JSString *s, uint32_t *at, const int32_t *tree, uint32_t size)
{
    uint32_t i = *at, node = 0, c;
    int in_tree = 1;
    for (; i < s->len && is_word(c = char_at(s, i)); i++) {
        int32_t next = in_tree && c >= 'a' && c <= 'z' && node + 26 < size ? tree[node + 1 + c - 'a'] : -1;
        in_tree = next >= 0;
        if (in_tree)
            node = next;
    }
    *at = i;
    if (i >= s->len || (c = char_at(s, i)) == '\\' || c == '@')
        return -2;
    return in_tree && node < size ? tree[node] : -1;
}

/* scan_string ends behind the closing quote; past the text if there is none. */
static uint32_t scan_string(const JSString *s, uint32_t i)
{
    uint32_t quote = char_at(s, i++), c;
    for (; i < s->len && (c = char_at(s, i)) != quote; i++)
        i += c == '\\';
    return i + 1;
}

/* scan_number is the end of a whole decimal number, 0 if it is more than that. */
static uint32_t scan_number(const JSString *s, uint32_t i)
{
    uint32_t c;
    while (is_digit(c = char_at(s, i)) || c == '_')
        i++;
    return c == '.' || is_word(c) ? 0 : i;
}

static const JSObject *int32_array(JSValueConst v, uint32_t least)
{
    const JSObject *p = JS_VALUE_GET_TAG(v) == JS_TAG_OBJECT ? JS_VALUE_GET_OBJ(v) : NULL;
    return p && p->class_id == JS_CLASS_INT32_ARRAY && p->u.array.count >= least ? p : NULL;
}

/* scan_token gives the type of the token at *start, and its end; 0 if it is not simple. types
   has those of single characters; of names it is at 'a', of numbers at '0'. */
static int32_t scan_token(const JSString *s, uint32_t start, uint32_t *end, int32_t *keyword, const int32_t *types, const JSObject *tree)
{
    uint32_t c = char_at(s, start);
    *end = start;
    *keyword = 0;
    if (is_digit(c)) {
        *end = scan_number(s, start);
        return *end ? types['0'] : 0;
    }
    if (is_word(c)) {
        int32_t found = scan_word(s, end, tree->u.array.u.int32_ptr, tree->u.array.count);
        if (found >= 0 && found & 1)
            return found >> 1;
        *keyword = found >= 0 ? found >> 1 : 0;
        return found == -2 ? 0 : types['a'];
    }
    if (c == '"' || c == '\'') {
        *end = scan_string(s, start);
        return *end <= s->len ? types[c] : 0;
    }
    *end = start + 1;
    if (c >= 128 || (is_operator(c) && (is_operator(char_at(s, start + 1)) || is_digit(char_at(s, start + 1)))))
        return 0;
    return types[c];
}

/* host.scan(text, at, types, words, found) gives the type of the next token, and fills
   found with its start, its end and its contextual keyword; 0 leaves it to the caller. */
static JSValue js_host_scan(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const JSObject *types = int32_array(argv[2], 128), *words = int32_array(argv[3], 27), *found = int32_array(argv[4], 3);
    const JSString *s;
    uint32_t start, end;
    int32_t type, keyword;
    if (JS_VALUE_GET_TAG(argv[0]) != JS_TAG_STRING || JS_VALUE_GET_TAG(argv[1]) != JS_TAG_INT || !types || !words || !found)
        return JS_NewInt32(ctx, 0);
    s = JS_VALUE_GET_STRING(argv[0]);
    start = skip_blanks(s, JS_VALUE_GET_INT(argv[1]));
    if (start >= s->len || !(type = scan_token(s, start, &end, &keyword, types->u.array.u.int32_ptr, words)))
        return JS_NewInt32(ctx, 0);
    found->u.array.u.int32_ptr[0] = start;
    found->u.array.u.int32_ptr[1] = end;
    found->u.array.u.int32_ptr[2] = keyword;
    return JS_NewInt32(ctx, type);
}
