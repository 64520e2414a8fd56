package tollgate

import (
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"
)

const portDefault = "50051"

var (
	portsOfSchemes = map[string]string{"http": "80", "https": "443"}
	schemePattern  = regexp.MustCompile(`(?i)^(?:(https?)://|(dns):(?:///)?|(unix):(?://)?)`)
	hostPattern    = regexp.MustCompile(
		`^(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?$`)
)

// parseAddress gives what gRPC dials, host:port or unix:/path, and whether with TLS. The grammar is
// the same in every language. What is no address is not shown, as there may be a password in it.
func parseAddress(address string, tls bool) (target string, isTLS bool, err error) {
	scheme, rest := "", address
	if found := schemePattern.FindStringSubmatch(address); found != nil {
		scheme = strings.ToLower(found[1] + found[2] + found[3])
		rest = address[len(found[0]):]
	}
	switch {
	case strings.Contains(rest, "@"):
		return "", false, noAddress("it has user information: give the token as Options.Token")
	case tls && (scheme == "http" || scheme == "unix"):
		return "", false, noAddress(scheme + " is plaintext, and Options.TLS is set")
	case scheme == "unix" && !strings.HasPrefix(rest, "/"):
		return "", false, noAddress("a socket is named by its whole path")
	case scheme == "unix":
		return "unix:" + rest, false, nil
	}
	port, isHTTP := portsOfSchemes[scheme]
	if isHTTP {
		rest = strings.TrimSuffix(rest, "/")
	}
	parts := hostPattern.FindStringSubmatch(rest)
	if parts == nil {
		return "", false, noAddress("it is not a host and a port")
	}
	port = firstOf(parts[2], port, portDefault)
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65_535 {
		return "", false, noAddress("its port is not one from 1 to 65535")
	}
	return parts[1] + ":" + port, tls || scheme == "https", nil
}

func noAddress(why string) error {
	return errors.New("tollgate: the address (Options.Address) cannot be dialled: " + why +
		"; expected host, host:port, [IPv6]:port, http://host:port, https://host:port, " +
		"dns:host:port or unix:/path")
}

// isLoopback says whether what is sent there stays on this machine.
func isLoopback(target string) bool {
	if strings.HasPrefix(target, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(target)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}
