/* The object host, which the prelude alone gets to see. */

static int is_out_of_memory(JSContext *ctx, JSValueConst e)
{
    JSValue message;
    const char *s;
    int is;
    if (JS_VALUE_GET_TAG(e) != JS_TAG_OBJECT || JS_VALUE_GET_OBJ(e)->class_id != JS_CLASS_ERROR ||
        JS_VALUE_GET_OBJ(e)->shape->proto != JS_VALUE_GET_OBJ(ctx->native_error_proto[JS_INTERNAL_ERROR]))
        return 0;
    message = JS_GetPropertyStr(ctx, e, "message");
    s = JS_ToCString(ctx, message);
    is = s && !strcmp(s, "out of memory");
    JS_FreeCString(ctx, s);
    JS_FreeValue(ctx, message);
    return is;
}

/* host.isOutOfMemory(error) */
static JSValue js_host_is_oom(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return JS_NewBool(ctx, is_out_of_memory(ctx, argv[0]));
}

#define ASK(name, magic) JS_CFUNC_MAGIC_DEF(name, 1, js_ask, magic)
#define TELL(name, magic) JS_CFUNC_MAGIC_DEF(name, 2, js_tell, magic)
#define ON_FILE(name, n, magic) JS_CFUNC_MAGIC_DEF(name, n, js_host_file, magic)

static const JSCFunctionListEntry host_functions[] = {
    ASK("meta", ASK_META),
    ASK("result", ASK_RESULT),
    ASK("channelGet", ASK_CHANNEL_GET),
    ASK("channelKeys", ASK_CHANNEL_KEYS),
    ASK("pause", ASK_PAUSE),
    ASK("secret", ASK_SECRET),
    ASK("http", ASK_HTTP),
    TELL("channelSet", TELL_SET),
    TELL("channelDelete", TELL_DELETE),
    TELL("channelAppend", TELL_APPEND),
    TELL("channelPrepend", TELL_PREPEND),
    TELL("channelAdd", TELL_ADD),
    TELL("nextTask", TELL_NEXT_TASK),
    TELL("nextIteration", TELL_NEXT_ITERATION),
    TELL("terminate", TELL_TERMINATE),
    TELL("cancel", TELL_CANCEL),
    TELL("checkpoint", TELL_CHECKPOINT),
    TELL("checkpointAs", TELL_CHECKPOINT_AS),
    JS_CFUNC_DEF("log", 2, js_host_log),
    JS_CFUNC_DEF("progress", 3, js_host_progress),
    JS_CFUNC_DEF("fail", 3, js_host_fail),
    JS_CFUNC_DEF("toolCalls", 1, js_tool_calls),
    JS_CFUNC_DEF("parse", 1, js_host_parse),
    JS_CFUNC_DEF("stringify", 2, js_host_stringify),
    JS_CFUNC_DEF("encode", 1, js_host_encode),
    JS_CFUNC_DEF("decode", 1, js_host_decode),
    JS_CFUNC_DEF("base64", 1, js_host_base64),
    JS_CFUNC_DEF("unbase64", 1, js_host_unbase64),
    JS_CFUNC_DEF("random", 1, js_host_random),
    JS_CFUNC_DEF("reseed", 0, js_host_reseed),
    JS_CFUNC_DEF("now", 0, js_host_now),
    JS_CFUNC_DEF("sleep", 1, js_host_sleep),
    JS_CFUNC_DEF("write", 2, js_host_write),
    JS_CFUNC_DEF("evaluate", 3, js_host_evaluate),
    JS_CFUNC_DEF("script", 2, js_host_script),
    JS_CFUNC_DEF("scan", 5, js_host_scan),
    JS_CFUNC_DEF("start", 1, js_host_start),
    JS_CFUNC_DEF("variable", 2, js_host_variable),
    JS_CFUNC_DEF("isModule", 1, js_host_is_module),
    JS_CFUNC_DEF("completion", 0, js_host_completion),
    JS_CFUNC_DEF("called", 1, js_host_called),
    JS_CFUNC_DEF("thrownAt", 1, js_host_thrown_at),
    JS_CFUNC_DEF("namespace", 1, js_host_namespace),
    JS_CFUNC_DEF("jobs", 0, js_host_jobs),
    JS_CFUNC_DEF("call", 1, js_host_call),
    JS_CFUNC_DEF("watch", 1, js_host_watch),
    JS_CFUNC_DEF("settled", 1, js_host_settled),
    JS_CFUNC_DEF("pending", 0, js_host_pending),
    JS_CFUNC_DEF("settle", 3, js_host_settle),
    JS_CFUNC_DEF("here", 0, js_host_here),
    JS_CFUNC_DEF("stack", 1, js_host_stack),
    JS_CFUNC_DEF("rejections", 0, js_host_rejections),
    JS_CFUNC_DEF("moduleHooks", 1, js_host_module_hooks),
    JS_CFUNC_DEF("isOutOfMemory", 1, js_host_is_oom),
    ON_FILE("readFile", 1, FILE_READ),
    ON_FILE("writeFile", 3, FILE_WRITE),
    ON_FILE("readDirectory", 1, FILE_LIST),
    ON_FILE("stat", 1, FILE_STAT),
    ON_FILE("makeDirectory", 1, FILE_MKDIR),
    ON_FILE("removeDirectory", 1, FILE_RMDIR),
    ON_FILE("removeFile", 1, FILE_UNLINK),
    ON_FILE("rename", 2, FILE_RENAME),
};
