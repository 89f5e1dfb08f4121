#!/bin/sh
# The files of the page as linnet serve gives them: those of the source, anew only when they changed, and nothing else.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
command -v curl >/dev/null || { echo "no curl"; exit 77; }
start_server -m "$dir/model" -t 2

# get PATH [OPTION...]: the reply's head is in $dir/out, its body in $dir/body.
get() {
    path=$1
    shift
    rm -f "$dir/body"
    run 0 curl -sS -D - -o "$dir/body" "$@" "$url$path"
}

for file in index.html style.css app.js recorder.js; do
    case $file in index.html) path=/ ;; *) path=/$file ;; esac
    get $path
    has out '^HTTP/1.1 200'
    cmp -s "$dir/body" "${top_srcdir:-.}/serve/page/$file" || failed "$path is not $file"
    has out "^content-security-policy: default-src 'self';"
    has out '^x-content-type-options: nosniff'
    has out '^referrer-policy: no-referrer'
    has out '^cache-control: no-cache'
    tag=$(sed -n 's/^etag: \(".*"\).*/\1/p' "$dir/out")
    [ -n "$tag" ] || failed "$path has no ETag"
    get $path -H "If-None-Match: $tag"
    has out '^HTTP/1.1 304'
    [ ! -s "$dir/body" ] || failed "$path comes again"
    get $path -H 'If-None-Match: "another"'
    has out '^HTTP/1.1 200'
done
get / && has out '^content-type: text/html; charset=utf-8'
get /app.js && has out '^content-type: text/javascript; charset=utf-8'
get /style.css && has out '^content-type: text/css; charset=utf-8'
get /index.html && has out '^HTTP/1.1 404'
get /page/app.js && has out '^HTTP/1.1 404'

# The page names no other place that it could load something from.
elsewhere="(src|href|action)=['\"]?(https?:)?//|url\(|@import|fetch\(['\"]"
grep -E "$elsewhere" "${top_srcdir:-.}"/serve/page/*.[hcj]* >"$dir/out" && failed "something from elsewhere is loaded"
stop_server
exit $bad
