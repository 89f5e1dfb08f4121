#!/bin/sh
# Whom linnet serve lets in: tokens, origins, names of the host, TLS; when it is full, and when it ends. What is wrong
# with how it is started is said before anything is served.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
need_python http.client prometheus_client

# ask WHAT [ARGUMENT]: of the server that runs.
ask() {
    $limit "$python" "${top_srcdir:-.}/tests/support/serve_access.py" "$1" "$url" "$server" ${2:+"$2"} \
        >"$dir/out" 2>"$dir/err" || failed "serve_access.py $*"
}

# ended: the server has ended by itself, well.
ended() {
    wait "$server"
    got=$?
    server=
    [ $got -eq 0 ] || { cat "$dir/server"; failed "the server ended with $got"; }
}

printf '# ours\ngood-token-of-one_1\nanother.token/of+two=\n\n' >"$dir/tokens"
chmod 600 "$dir/tokens"
start_server $quick --token-file "$dir/tokens"
ask token "$dir/tokens"
run 1 "$linnet" serve $quick --port "$port"
has err "cannot listen on 127.0.0.1, port $port: "
stop_server

start_server $quick --allow-origin https://page.example --host localhost
ask origin
stop_server
start_server $quick --memory-mb 1
ask full
stop_server
start_server $quick --host 0.0.0.0 --no-token --connections-per-address 2 --streams-per-address 1 --streams 10
ask addresses
cat "$dir/out"
stop_server
start_server $quick
ask metrics
stop_server
start_server $quick --streams 1
ask streams
stop_server
start_server $quick
ask drain
ended
start_server $quick --drain-seconds 1
ask deadline once
ended
start_server $quick
ask deadline again
ended

# To start it wrong.
: >"$dir/empty"
run 1 "$linnet" serve $quick --port 0 --host 0.0.0.0
has err 'give --token-file FILE, or --no-token'
run 1 "$linnet" serve $quick --port 0 --token-file "$dir/gone"
has err "$dir/gone: "
run 1 "$linnet" serve $quick --port 0 --token-file "$dir/empty"
has err "$dir/empty: there is no token in it"
echo short >"$dir/short"
run 1 "$linnet" serve $quick --port 0 --token-file "$dir/short"
has err "$dir/short:1: a token has from 8"
run 1 "$linnet" serve $quick --port 0 --token-file "$dir/tokens" --no-token
has err 'exclude each other'
run 1 "$linnet" serve $quick --port 0 --certificate "$dir/gone" --key "$dir/gone"
has err "$dir/gone: "
run 1 "$linnet" serve $quick --port 0 --certificate "$dir/gone"
has err 'go together'
run 1 "$linnet" serve $quick --port 0 --certificate "$dir/tokens" --key "$dir/tokens"
has err 'no usable certificate and key in '
run 1 "$linnet" serve $quick --port 0 --host 192.0.2.1
has err 'cannot listen on 192.0.2.1, port 0: '

command -v openssl >/dev/null || { echo "no openssl: TLS is not tested"; [ $bad = 0 ] && exit 77; exit 1; }
for name in one two; do
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/$name.key" -out "$dir/$name.pem" -days 2 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>"$dir/err" || failed openssl
done
run 1 "$linnet" serve $quick --port 0 --certificate "$dir/one.pem" --key "$dir/two.key"
has err 'no usable certificate and key in '
start_server $quick --certificate "$dir/one.pem" --key "$dir/one.key" --host localhost
ask tls "$dir/one.pem"
stop_server
exit $bad
