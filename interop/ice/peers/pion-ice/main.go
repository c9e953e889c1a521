// An ICE agent of Pion that says what it has and hears what the other has as lines of JSON, and echoes data.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/pion/ice/v4"
)

type description struct {
	Type       string   `json:"type"`
	Ufrag      string   `json:"ufrag"`
	Pwd        string   `json:"pwd"`
	Candidates []string `json:"candidates"`
	Options    []string `json:"options"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	isControlling := os.Args[1] == "controlling"
	agent, err := ice.NewAgentWithOptions(ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}))
	must(err)
	gathered := make(chan struct{})
	local := description{Type: "local", Candidates: []string{}, Options: []string{}}
	must(agent.OnCandidate(func(candidate ice.Candidate) {
		if candidate == nil {
			close(gathered)
			return
		}
		local.Candidates = append(local.Candidates, "candidate:"+candidate.Marshal())
	}))
	must(agent.GatherCandidates())
	<-gathered
	local.Ufrag, local.Pwd, err = agent.GetLocalUserCredentials()
	must(err)
	text, err := json.Marshal(local)
	must(err)
	fmt.Println(string(text))

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	lines.Scan()
	var remote description
	must(json.Unmarshal(lines.Bytes(), &remote))
	for _, text := range remote.Candidates {
		candidate, err := ice.UnmarshalCandidate(text)
		must(err)
		must(agent.AddRemoteCandidate(candidate))
	}
	var connection *ice.Conn
	if isControlling {
		connection, err = agent.Dial(context.Background(), remote.Ufrag, remote.Pwd)
	} else {
		connection, err = agent.Accept(context.Background(), remote.Ufrag, remote.Pwd)
	}
	must(err)
	fmt.Println(`{"type":"connected"}`)
	buffer := make([]byte, 1500)
	for {
		n, err := connection.Read(buffer)
		must(err)
		_, err = connection.Write(append([]byte("echo: "), buffer[:n]...))
		must(err)
	}
}
