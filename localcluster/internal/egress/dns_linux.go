package egress

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/datagrams"
)

const (
	// maxQueries is how many questions are asked at a time.
	maxQueries = 256
	// resolverIdle is how long a flow of questions is kept in which none comes. Cluster DNS has many, as one pod.
	resolverIdle = 10 * time.Second
	// queryLimit is how long one resolver may take.
	queryLimit = 3 * time.Second
	// dnsHeader is how long the header of a message is, in bytes.
	dnsHeader = 12
)

// ResolversOf returns the resolvers of a resolv.conf, as host:port. Where it names none, it is the one of the machine
// itself, as resolv.conf(5) has it.
func ResolversOf(file string) []string {
	data, _ := os.ReadFile(file)
	var found []string
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "nameserver" {
			found = append(found, net.JoinHostPort(fields[1], strconv.Itoa(dnsPort)))
		}
	}
	if len(found) == 0 {
		return []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(dnsPort))}
	}
	return found
}

// resolve answers the questions of a flow by what this machine's resolvers say, until none comes for a while.
func (g *gateway) resolve(flow *podDatagrams) {
	for {
		err := flow.receive(time.Now().Add(resolverIdle), func(datagram []byte) error {
			if len(datagram) < dnsHeader {
				return nil
			}
			query := slices.Clone(datagram)
			g.queries <- struct{}{}
			go func() {
				defer func() { <-g.queries }()
				_, _ = flow.Write(ask(g.config.Resolvers(), query)) // whoever asked may be gone
			}()
			return nil
		})
		if err != nil {
			return
		}
	}
}

// ask returns the answer of the first resolver that gives one, or says that there is none.
func ask(resolvers []string, query []byte) []byte {
	for _, resolver := range resolvers {
		if answer, err := askOne(resolver, query); err == nil {
			return answer
		}
	}
	return serverFailure(query)
}

func askOne(resolver string, query []byte) ([]byte, error) {
	conn, err := net.DialTimeout("udp", resolver, queryLimit)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(queryLimit)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buffer := make([]byte, datagrams.Max)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, err
		}
		if n < dnsHeader || !bytes.Equal(buffer[:2], query[:2]) {
			continue // no answer to this question
		}
		if code := buffer[3] & 0xf; code == codeServerFailure || code == codeRefused {
			return nil, errors.New("no answer") // another one may have it
		}
		return buffer[:n], nil
	}
}

// The codes of answers that are none.
const (
	codeServerFailure = 2
	codeRefused       = 5
)

// serverFailure answers a question by saying that nobody answers it.
func serverFailure(query []byte) []byte {
	answer := slices.Clone(query)
	const isAnswer, canRecurse = 0x80, 0x80
	answer[2] |= isAnswer
	answer[3] = canRecurse | codeServerFailure
	return answer
}
