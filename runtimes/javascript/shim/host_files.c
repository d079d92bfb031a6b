/* Files: what WASI's preopened directories offer. Failures throw an Error with code,
   errno and path, as node's fs does. */

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static const struct { int number; const char *name; const char *text; } file_errors[] = {
    {ENOENT, "ENOENT", "no such file or directory"}, {EACCES, "EACCES", "permission denied"},
    {EPERM, "EPERM", "operation not permitted"}, {EEXIST, "EEXIST", "file already exists"},
    {ENOTDIR, "ENOTDIR", "not a directory"}, {EISDIR, "EISDIR", "illegal operation on a directory"},
    {ENOTEMPTY, "ENOTEMPTY", "directory not empty"}, {ENOSPC, "ENOSPC", "no space left"},
    {EDQUOT, "EDQUOT", "disk quota exceeded"}, {EROFS, "EROFS", "read-only file system"},
    {EMFILE, "EMFILE", "too many open files"}, {ENOTCAPABLE, "ENOTCAPABLE", "not granted"},
    {EINVAL, "EINVAL", "invalid argument"}, {EXDEV, "EXDEV", "cross-device link"},
};

static JSValue file_error(JSContext *ctx, const char *call, const char *path)
{
    int number = errno;
    const char *name = "EIO", *text = "i/o error";
    char message[512];
    JSValue e;
    for (size_t i = 0; i < countof(file_errors); i++) {
        if (file_errors[i].number == number)
            name = file_errors[i].name, text = file_errors[i].text;
    }
    snprintf(message, sizeof message, "%s: %s, %s '%s'", name, text, call, path);
    e = JS_NewError(ctx);
    JS_DefinePropertyValueStr(ctx, e, "message", JS_NewString(ctx, message), JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_DefinePropertyValueStr(ctx, e, "code", JS_NewString(ctx, name), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, e, "errno", JS_NewInt32(ctx, -number), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, e, "syscall", JS_NewString(ctx, call), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, e, "path", JS_NewString(ctx, path), JS_PROP_C_W_E);
    return JS_Throw(ctx, e);
}

/* read_all reads a descriptor to its end into memory of the runtime's. */
static int read_all(JSContext *ctx, int fd, DynBuf *b)
{
    ssize_t n;
    dbuf_init2(b, ctx->rt, (DynBufReallocFunc *)js_realloc_rt);
    do {
        if (dbuf_realloc(b, b->size + 65536)) {
            JS_ThrowOutOfMemory(ctx);
            return -1;
        }
        n = read(fd, b->buf + b->size, 65536);
        if (n > 0)
            b->size += n;
    } while (n > 0);
    return n < 0;
}

/* host.readFile(path): a Uint8Array */
static JSValue js_read_file(JSContext *ctx, const char *path)
{
    DynBuf b;
    JSValue v;
    int bad, fd = open(path, O_RDONLY);
    if (fd < 0)
        return file_error(ctx, "open", path);
    bad = read_all(ctx, fd, &b);
    v = bad < 0 ? JS_EXCEPTION : bad ? file_error(ctx, "read", path) : new_bytes(ctx, b.buf, b.size);
    close(fd);
    dbuf_free(&b);
    return v;
}

/* host.writeFile(path, bytes, append) */
static JSValue js_write_file(JSContext *ctx, const char *path, JSValueConst bytes, int append)
{
    const uint8_t *p;
    size_t n, done = 0;
    int fd;
    if (bytes_arg(ctx, bytes, &p, &n))
        return JS_EXCEPTION;
    fd = open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), 0644);
    if (fd < 0)
        return file_error(ctx, "open", path);
    while (done < n) {
        ssize_t wrote = write(fd, p + done, n - done);
        if (wrote < 0) {
            JSValue e = file_error(ctx, "write", path);
            close(fd);
            return e;
        }
        done += wrote;
    }
    if (close(fd))
        return file_error(ctx, "close", path);
    return JS_UNDEFINED;
}

/* host.readDirectory(path): [name, kind, …]; kind is 1 for a directory, 0 else */
static JSValue js_read_directory(JSContext *ctx, const char *path)
{
    JSValue list;
    struct dirent *e;
    uint32_t n = 0;
    DIR *d = opendir(path);
    if (!d)
        return file_error(ctx, "scandir", path);
    list = JS_NewArray(ctx);
    while ((e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        JS_SetPropertyUint32(ctx, list, n++, JS_NewString(ctx, e->d_name));
        JS_SetPropertyUint32(ctx, list, n++, JS_NewInt32(ctx, e->d_type == DT_DIR));
    }
    closedir(d);
    return list;
}

/* host.stat(path): [is a directory, size, modified in ms], or undefined if there is nothing */
static JSValue js_stat_file(JSContext *ctx, const char *path)
{
    struct stat s;
    JSValue list;
    if (stat(path, &s)) {
        if (errno == ENOENT || errno == ENOTDIR)
            return JS_UNDEFINED;
        return file_error(ctx, "stat", path);
    }
    list = JS_NewArray(ctx);
    JS_SetPropertyUint32(ctx, list, 0, JS_NewBool(ctx, S_ISDIR(s.st_mode)));
    JS_SetPropertyUint32(ctx, list, 1, JS_NewInt64(ctx, s.st_size));
    JS_SetPropertyUint32(ctx, list, 2, JS_NewFloat64(ctx, s.st_mtim.tv_sec * 1e3 + s.st_mtim.tv_nsec / 1e6));
    return list;
}

enum { FILE_READ, FILE_WRITE, FILE_LIST, FILE_STAT, FILE_MKDIR, FILE_RMDIR, FILE_UNLINK, FILE_RENAME };

static JSValue js_host_file(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int magic)
{
    Text path, to;
    JSValue v = JS_UNDEFINED;
    if (text_of(ctx, argv[0], &path))
        return JS_EXCEPTION;
    if (strlen(path.p) != path.n) {
        free_text(ctx, argv[0], &path);
        return JS_ThrowTypeError(ctx, "a path can't contain a NUL");
    }
    switch (magic) {
    case FILE_READ: v = js_read_file(ctx, path.p); break;
    case FILE_WRITE: v = js_write_file(ctx, path.p, argv[1], argc > 2 && JS_ToBool(ctx, argv[2])); break;
    case FILE_LIST: v = js_read_directory(ctx, path.p); break;
    case FILE_STAT: v = js_stat_file(ctx, path.p); break;
    case FILE_MKDIR: v = mkdir(path.p, 0755) ? file_error(ctx, "mkdir", path.p) : v; break;
    case FILE_RMDIR: v = rmdir(path.p) ? file_error(ctx, "rmdir", path.p) : v; break;
    case FILE_UNLINK: v = unlink(path.p) ? file_error(ctx, "unlink", path.p) : v; break;
    case FILE_RENAME:
        if (text_of(ctx, argv[1], &to))
            v = JS_EXCEPTION;
        else {
            v = rename(path.p, to.p) ? file_error(ctx, "rename", path.p) : v;
            free_text(ctx, argv[1], &to);
        }
        break;
    }
    free_text(ctx, argv[0], &path);
    return v;
}
