// Command probe is what the tests run in pods: it says what it sees from inside.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) > 1 {
		command(os.Args[1], os.Args[2:])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go echoDatagrams()
	fmt.Println("probe started as", os.Getenv("NAME"))
	server := &http.Server{Addr: ":8080", Handler: routes(), ReadHeaderTimeout: time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("probe ended")
}

// command is what the tests execute in a container.
func command(name string, args []string) {
	switch name {
	case "echo":
		fmt.Println(strings.Join(args, " "))
	case "cat":
		for _, name := range args {
			data, err := os.ReadFile(name)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Printf("%s\n", strings.ReplaceAll(string(data), "\x00", " "))
		}
	case "repeat":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "converse": // until "bye"; it ends at the line after that, when its last word has been heard
		kind := "no terminal"
		if _, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ); err == nil {
			kind = "a terminal"
		}
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() && lines.Text() != "bye" {
			fmt.Println("heard", lines.Text(), "at", kind)
		}
		fmt.Println("leaving")
		lines.Scan()
	case "exit":
		fmt.Println("leaving")
		os.Exit(3)
	default:
		fmt.Fprintln(os.Stderr, "unknown command", name)
		os.Exit(2)
	}
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		host, _ := os.Hostname()
		fmt.Fprintf(w, "%s %s", os.Getenv("NAME"), host)
	})
	mux.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		data, err := os.ReadFile(r.FormValue("path"))
		reply(w, string(data), err)
	})
	mux.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		reply(w, "", os.WriteFile(r.FormValue("path"), []byte(r.FormValue("text")), 0o644))
	})
	mux.HandleFunc("/burn", func(http.ResponseWriter, *http.Request) {
		go func() {
			for { //nolint:staticcheck // until the pod goes: its processor is what is measured
			}
		}()
	})
	mux.HandleFunc("/resolve", func(w http.ResponseWriter, r *http.Request) {
		addresses, err := net.DefaultResolver.LookupHost(r.Context(), r.FormValue("name"))
		reply(w, strings.Join(addresses, " "), err)
	})
	mux.HandleFunc("/answer", func(w http.ResponseWriter, r *http.Request) {
		text, err := answer(r.FormValue("name"), r.FormValue("type"))
		reply(w, text, err)
	})
	reachOutside(mux)
	mux.HandleFunc("/fetch", func(w http.ResponseWriter, r *http.Request) {
		client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Get(r.FormValue("url"))
		if err != nil {
			reply(w, "", err)
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		reply(w, string(body), err)
	})
	return mux
}

func reply(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, text)
}

// answer is what the pod's resolver answers to one question: its code, and how many records.
func answer(name, kind string) (string, error) {
	config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return "", fmt.Errorf("reading the resolvers: %w", err)
	}
	response, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.StringToType[kind]), net.JoinHostPort(config.Servers[0], config.Port))
	if err != nil {
		return "", fmt.Errorf("asking for %s: %w", name, err)
	}
	return fmt.Sprintf("%s %d", dns.RcodeToString[response.Rcode], len(response.Answer)), nil
}
