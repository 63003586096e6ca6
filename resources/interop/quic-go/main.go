// The quic-go end of the interop cases: serves files, and fetches them, over HTTP/3 or HTTP/0.9 ("hq-interop").
//
//	quic-go server -listen 127.0.0.1:4433 -cert cert.pem -key key.pem -www folder [-retry] [-qlog folder]
//	quic-go client -connect 127.0.0.1:4433 -ca ca.pem -alpn h3 -out folder [-again] [-early] [-datagram] /path ...
//
// One line of JSON on standard output tells what a client saw of its last connection.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/lucas-clemente/quic-go"
	"github.com/lucas-clemente/quic-go/http3"
	"github.com/lucas-clemente/quic-go/logging"
	"github.com/lucas-clemente/quic-go/qlog"
)

const hq = "hq-interop"

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("server or client?")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	switch os.Args[1] {
	case "server":
		serve(flags)
	case "client":
		fetch(flags)
	default:
		log.Fatal("server or client?")
	}
}

func serve(flags *flag.FlagSet) {
	listen := flags.String("listen", "", "address and port")
	cert := flags.String("cert", "", "PEM chain")
	key := flags.String("key", "", "PEM key")
	www := flags.String("www", "", "folder to serve")
	retry := flags.Bool("retry", false, "validate addresses with a Retry")
	traces := flags.String("qlog", "", "folder for a qlog of each connection")
	check(flags.Parse(os.Args[2:]))
	identity, err := tls.LoadX509KeyPair(*cert, *key)
	check(err)
	config := &quic.Config{
		EnableDatagrams:          true,
		RequireAddressValidation: func(net.Addr) bool { return *retry },
	}
	if *traces != "" {
		config.Tracer = qlog.NewTracer(func(_ logging.Perspective, id []byte) io.WriteCloser {
			file, err := os.Create(filepath.Join(*traces, fmt.Sprintf("%x.qlog", id)))
			check(err)
			return file
		})
	}
	h3 := http3.Server{Handler: http.FileServer(http.Dir(*www)), QuicConfig: config}
	listener, err := quic.ListenAddrEarly(*listen, &tls.Config{
		Certificates: []tls.Certificate{identity},
		NextProtos:   []string{"h3", hq},
	}, config)
	check(err)
	fmt.Println("listening on", listener.Addr())
	forH3 := h3Listener{listener, make(chan quic.EarlyConnection, 64)}
	go func() { check(h3.ServeListener(forH3)) }()
	for {
		connection, err := listener.Accept(context.Background())
		check(err)
		go echo(connection)
		if connection.ConnectionState().TLS.NegotiatedProtocol == "h3" {
			forH3.connections <- connection
			continue
		}
		go serveHQ(connection, *www)
	}
}

// h3Listener hands on the connections that are for HTTP/3.
type h3Listener struct {
	quic.EarlyListener
	connections chan quic.EarlyConnection
}

func (l h3Listener) Accept(ctx context.Context) (quic.EarlyConnection, error) {
	return <-l.connections, nil
}

// echo sends every DATAGRAM back.
func echo(connection quic.Connection) {
	for {
		data, err := connection.ReceiveMessage()
		if err != nil || connection.SendMessage(data) != nil {
			return
		}
	}
}

func serveHQ(connection quic.Connection, www string) {
	for {
		stream, err := connection.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go func() {
			defer stream.Close()
			request, err := io.ReadAll(io.LimitReader(stream, 4096))
			if err != nil {
				return
			}
			name := strings.TrimSpace(strings.TrimPrefix(string(request), "GET "))
			file, err := os.Open(filepath.Join(www, filepath.FromSlash(path.Clean("/"+name))))
			if err != nil {
				stream.CancelWrite(1)
				return
			}
			defer file.Close()
			_, _ = io.Copy(stream, file)
		}()
	}
}

type seen struct {
	Resumed    bool   `json:"resumed"`
	Early      bool   `json:"early"`
	Alpn       string `json:"alpn"`
	Suite      string `json:"suite"`
	Datagrams  int    `json:"datagrams"`
	DurationMs int64  `json:"durationMs"`
}

func fetch(flags *flag.FlagSet) {
	connect := flags.String("connect", "", "address and port")
	ca := flags.String("ca", "", "PEM certificates to trust")
	alpn := flags.String("alpn", hq, "h3 or "+hq)
	out := flags.String("out", "", "folder for what was fetched")
	again := flags.Bool("again", false, "connect a second time, with the ticket of the first")
	early := flags.Bool("early", false, "send the requests of the last connection as early data")
	datagram := flags.Bool("datagram", false, "send DATAGRAMs and wait for their echoes")
	check(flags.Parse(os.Args[2:]))
	pem, err := os.ReadFile(*ca)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{
		RootCAs:            roots,
		ServerName:         "localhost",
		NextProtos:         []string{*alpn},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	if *again {
		once(*connect, config, flags.Args()[:1], *alpn, *out, false, false)
	}
	result := once(*connect, config, flags.Args(), *alpn, *out, *early, *datagram)
	check(json.NewEncoder(os.Stdout).Encode(result))
}

func once(to string, config *tls.Config, paths []string, alpn, out string, early, datagram bool) seen {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	started := time.Now()
	var connection quic.EarlyConnection
	dial := func(ctx context.Context, addr string, tlsConfig *tls.Config, quicConfig *quic.Config) (quic.EarlyConnection, error) {
		var err error
		connection, err = quic.DialAddrEarlyContext(ctx, to, tlsConfig, quicConfig)
		if err == nil && !early {
			<-connection.HandshakeComplete().Done()
		}
		return connection, err
	}
	settings := &quic.Config{EnableDatagrams: true, HandshakeIdleTimeout: 30 * time.Second}
	var get func(string) (io.ReadCloser, error)
	if alpn == "h3" {
		tripper := &http3.RoundTripper{TLSClientConfig: config, QuicConfig: settings, Dial: dial}
		defer tripper.Close()
		method := http.MethodGet
		if early {
			method = http3.MethodGet0RTT
		}
		get = func(name string) (io.ReadCloser, error) {
			request, err := http.NewRequestWithContext(ctx, method, "https://localhost"+name, nil)
			if err != nil {
				return nil, err
			}
			response, err := tripper.RoundTrip(request)
			if err != nil {
				return nil, err
			}
			if response.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("%s: %s", name, response.Status)
			}
			return response.Body, nil
		}
	} else {
		_, err := dial(ctx, to, config, settings)
		check(err)
		get = func(name string) (io.ReadCloser, error) {
			stream, err := connection.OpenStreamSync(ctx)
			if err != nil {
				return nil, err
			}
			if _, err = stream.Write([]byte("GET " + name + "\r\n")); err != nil {
				return nil, err
			}
			return io.NopCloser(stream), stream.Close()
		}
	}
	var group sync.WaitGroup
	for _, name := range paths {
		group.Add(1)
		go func(name string) {
			defer group.Done()
			body, err := get(name)
			check(err)
			defer body.Close()
			file, err := os.Create(filepath.Join(out, path.Base(name)))
			check(err)
			_, err = io.Copy(file, body)
			check(err)
			check(file.Close())
		}(name)
	}
	group.Wait()
	result := seen{Alpn: alpn, DurationMs: time.Since(started).Milliseconds()}
	if datagram {
		for n := 0; n < 10; n++ {
			check(connection.SendMessage([]byte(fmt.Sprintf("ping %d", n))))
			_, err := connection.ReceiveMessage()
			check(err)
			result.Datagrams++
		}
	}
	state := connection.ConnectionState().TLS
	result.Resumed = state.DidResume
	result.Early = state.Used0RTT
	result.Suite = tls.CipherSuiteName(state.CipherSuite)
	// A ticket may be on its way.
	time.Sleep(50 * time.Millisecond)
	_ = connection.CloseWithError(0, "")
	return result
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
