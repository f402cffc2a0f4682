package routing

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What follows reads the values of annotations.

func setBool(to *bool, value string) error {
	parsed, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q: invalid; write true or false", value)
	}
	*to = parsed
	return nil
}

func setNumber(to *int, value string, least, most int) error {
	parsed, err := strconv.Atoi(value)
	if err != nil || parsed < least || parsed > most {
		return fmt.Errorf("%q: invalid; write a number from %d to %d", value, least, most)
	}
	*to = parsed
	return nil
}

// longestSeconds is a day.
const longestSeconds = 24 * 60 * 60

func setSeconds(to *time.Duration, value string) error {
	number := 0
	if err := setNumber(&number, strings.TrimSuffix(value, "s"), 1, longestSeconds); err != nil {
		return fmt.Errorf("%q: invalid; write seconds, from 1 to %d", value, longestSeconds)
	}
	*to = time.Duration(number) * time.Second
	return nil
}

var size = regexp.MustCompile(`^(\d{1,15})([kKmMgG]?)$`)

// parseSize reads a size as nginx writes it; 0 is any size.
func parseSize(value string) (int64, error) {
	parts := size.FindStringSubmatch(value)
	if parts == nil {
		return 0, fmt.Errorf("%q: invalid; write a size such as 8m", value)
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return 0, err
	}
	shift := map[string]uint{"": 0, "k": 10, "m": 20, "g": 30}[strings.ToLower(parts[2])]
	if number > (1<<62)>>shift {
		return 0, fmt.Errorf("%q: too large", value)
	}
	return number << shift, nil
}

func setProtocol(o *options, value string) error {
	switch strings.ToUpper(value) {
	case "HTTP", "AUTO_HTTP":
		o.protocol = HTTP
	case "HTTPS":
		o.protocol = HTTPS
	case "GRPC":
		o.protocol = H2C
	case "GRPCS":
		o.protocol = H2
	default:
		return fmt.Errorf("%q: not served; write HTTP, HTTPS, GRPC or GRPCS", value)
	}
	return nil
}

// checkSize accepts a size, which bounds nothing here.
func checkSize(value string) error {
	_, err := parseSize(value)
	return err
}

var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// checkToken accepts what can be the name of a cookie.
func checkToken(value string) error {
	if !token.MatchString(value) {
		return fmt.Errorf("%q: invalid; write letters, digits, - and _", value)
	}
	return nil
}

var hostName = regexp.MustCompile(`^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

func checkAliases(hosts []string) error {
	for _, host := range hosts {
		if !hostName.MatchString(host) {
			return fmt.Errorf("%q: not served; write hosts, patterns are not", host)
		}
	}
	return nil
}

func onlyOff(value string) error {
	if value != "off" {
		return fmt.Errorf("%q: not served; what passes is never held back, as with off", value)
	}
	return nil
}

func oneOf(value string, known ...string) error {
	if !slices.Contains(known, value) {
		return fmt.Errorf("%q: not served; write %s", value, strings.Join(known, " or "))
	}
	return nil
}

func checkRooted(value string) error {
	if !strings.HasPrefix(value, "/") {
		return fmt.Errorf("%q: invalid; write a path that begins with /", value)
	}
	return nil
}

func checkURL(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q: invalid; write a URL that begins with http:// or https://", value)
	}
	return nil
}

var variable = regexp.MustCompile(`\$[^\d]|\$$|\$\d\d`)

// checkTarget accepts a path with groups.
func checkTarget(value string) error {
	if found := variable.FindString(value); found != "" {
		return fmt.Errorf("%q: %s is not served; of variables there are $1 to $9", value, found)
	}
	if strings.Contains(value, "://") {
		return fmt.Errorf("%q: invalid; write a path, and permanent-redirect for a URL", value)
	}
	return nil
}

func parsePrefixes(value string) ([]netip.Prefix, error) {
	var found []netip.Prefix
	for _, text := range list(value) {
		prefix, err := netip.ParsePrefix(text)
		if address, bad := netip.ParseAddr(text); err != nil && bad == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q: invalid; write addresses or ranges such as 10.0.0.0/8", text)
		}
		found = append(found, prefix.Masked())
	}
	if len(found) == 0 {
		return nil, errors.New("empty; write addresses or ranges such as 10.0.0.0/8")
	}
	return found, nil
}

func checkOrigins(origins []string) error {
	for _, origin := range origins {
		if strings.Count(origin, "*") > 1 || origin != "*" && !strings.Contains(origin, "://") {
			return fmt.Errorf("%q: invalid; write *, or a scheme and a host with at most one *", origin)
		}
	}
	return nil
}

// list returns what stands between commas.
func list(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// canonical is a header's name as requests have it.
func canonical(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

func sortedKeys(of map[string]string) []string { return slices.Sorted(maps.Keys(of)) }
