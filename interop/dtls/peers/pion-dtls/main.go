// Pion's DTLS 1.2. What its command line means and what it says: ../../program.ts.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/elliptic"
)

var groups = map[string]elliptic.Curve{
	"x25519":    elliptic.X25519,
	"secp256r1": elliptic.P256,
	"secp384r1": elliptic.P384,
}

var suites = map[string][]dtls.CipherSuiteID{
	"aes-128-gcm":       {dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	"aes-256-gcm":       {dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
	"chacha20-poly1305": {dtls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, dtls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
}

type profile struct {
	id     dtls.SRTPProtectionProfile
	length int // of the keys and salts of both directions
}

var profiles = map[string]profile{
	"AEAD_AES_128_GCM":       {dtls.SRTP_AEAD_AES_128_GCM, 2 * (16 + 12)},
	"AEAD_AES_256_GCM":       {dtls.SRTP_AEAD_AES_256_GCM, 2 * (32 + 12)},
	"AES128_CM_HMAC_SHA1_80": {dtls.SRTP_AES128_CM_HMAC_SHA1_80, 2 * (16 + 14)},
	"AES128_CM_HMAC_SHA1_32": {dtls.SRTP_AES128_CM_HMAC_SHA1_32, 2 * (16 + 14)},
}

type event struct {
	Type        string `json:"type"`
	Port        int    `json:"port,omitempty"`
	Why         string `json:"why,omitempty"`
	Text        string `json:"text,omitempty"`
	Version     string `json:"version,omitempty"`
	CipherSuite string `json:"cipherSuite,omitempty"`
	SRTP        string `json:"srtp,omitempty"`
	Exporter    string `json:"exporter,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

func say(event event) {
	text, _ := json.Marshal(event)
	fmt.Println(string(text))
}

func must(err error, doing string) {
	if err == nil {
		return
	}
	say(event{Type: "failed", Why: doing + ": " + err.Error()})
	os.Exit(1)
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// Reads what the other end sends to a socket of its own. The first datagram says who that is.
type firstPeeked struct {
	net.PacketConn
	first []byte
	from  net.Addr
}

func (c *firstPeeked) ReadFrom(into []byte) (int, net.Addr, error) {
	if c.first != nil {
		length := copy(into, c.first)
		c.first = nil
		return length, c.from, nil
	}
	return c.PacketConn.ReadFrom(into)
}

func main() {
	options := map[string]string{}
	for _, word := range os.Args[1:] {
		name, value, _ := strings.Cut(word, "=")
		options[name] = value
	}
	certificate, err := tls.LoadX509KeyPair(options["certificate"], options["key"])
	must(err, "certificate")
	common := []dtls.Option{
		dtls.WithCertificates(certificate),
		// Whoever runs this program compares the fingerprint that it tells.
		dtls.WithInsecureSkipVerify(true),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
	}
	var curves []elliptic.Curve
	for _, name := range list(options["groups"]) {
		curves = append(curves, groups[name])
	}
	common = append(common, dtls.WithEllipticCurves(curves...))
	var ciphers []dtls.CipherSuiteID
	for _, name := range list(options["aeads"]) {
		ciphers = append(ciphers, suites[name]...)
	}
	common = append(common, dtls.WithCipherSuites(ciphers...))
	var srtp []dtls.SRTPProtectionProfile
	for _, name := range list(options["srtp"]) {
		srtp = append(srtp, profiles[name].id)
	}
	if srtp != nil {
		common = append(common, dtls.WithSRTPProtectionProfiles(srtp...))
	}
	cid, err := hex.DecodeString(options["cid"])
	must(err, "cid")
	if _, has := options["cid"]; has {
		common = append(common, dtls.WithConnectionIDGenerator(func() []byte { return cid }))
	}
	if mtu, _ := strconv.Atoi(options["mtu"]); mtu != 0 {
		common = append(common, dtls.WithMTU(mtu))
	}

	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(err, "socket")
	var connection *dtls.Conn
	if options["role"] == "server" {
		say(event{Type: "listening", Port: socket.LocalAddr().(*net.UDPAddr).Port})
		first := make([]byte, 2000)
		length, from, err := socket.ReadFrom(first)
		must(err, "read")
		server := []dtls.ServerOption{
			dtls.WithClientAuth(dtls.RequireAnyClientCert),
			dtls.WithInsecureSkipVerifyHello(options["cookie"] == ""),
		}
		for _, option := range common {
			server = append(server, option)
		}
		connection, err = dtls.ServerWithOptions(&firstPeeked{socket, first[:length], from}, from, server...)
		must(err, "options")
	} else {
		port, err := strconv.Atoi(options["port"])
		must(err, "port")
		var client []dtls.ClientOption
		for _, option := range common {
			client = append(client, option)
		}
		to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
		connection, err = dtls.ClientWithOptions(socket, to, client...)
		must(err, "options")
	}
	must(connection.Handshake(), "handshake")
	report(connection)

	if options["say"] != "" {
		_, err = connection.Write([]byte(options["say"]))
		must(err, "write")
	}
	buffer := make([]byte, 2000)
	for {
		length, err := connection.Read(buffer)
		if err != nil {
			say(event{Type: "closed"})
			return
		}
		if options["say"] != "" {
			say(event{Type: "heard", Text: strings.TrimRight(string(buffer[:length]), "\n")})
			continue
		}
		_, err = connection.Write(append([]byte("echo: "), buffer[:length]...))
		must(err, "write")
	}
}

// It tells neither the group nor the other end's connection ID.
func report(connection *dtls.Conn) {
	state, _ := connection.ConnectionState()
	told := event{Type: "connected", Version: "1.2", CipherSuite: dtls.CipherSuiteName(state.CipherSuiteID)}
	length := 2 * (16 + 14)
	if selected, has := connection.SelectedSRTPProtectionProfile(); has {
		for name, profile := range profiles {
			if profile.id == selected {
				told.SRTP = name
				length = profile.length
			}
		}
	}
	exported, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, length)
	must(err, "exporter")
	told.Exporter = hex.EncodeToString(exported)
	if len(state.PeerCertificates) > 0 {
		digest := sha256.Sum256(state.PeerCertificates[0])
		told.Fingerprint = hex.EncodeToString(digest[:])
	}
	say(told)
}
