//! The ICE agent of str0m (its crate `is`), which says what it has and hears what the other has as lines of JSON, and
//! echoes data.
use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol};
use serde_json::{Value, json};
use std::io::BufRead;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The address that the default route would send from; nothing is sent.
fn local_address() -> SocketAddr {
    let probe = UdpSocket::bind("0.0.0.0:0").unwrap();
    probe.connect("203.0.113.1:9").expect("there is no route");
    probe.local_addr().unwrap()
}

fn main() {
    let is_controlling = std::env::args().nth(1).as_deref() == Some("controlling");
    let socket = UdpSocket::bind((local_address().ip(), 0)).unwrap();
    let here = socket.local_addr().unwrap();
    let mut agent = IceAgent::new(IceCreds::new());
    agent.set_controlling(is_controlling);
    agent.add_local_candidate(Candidate::host(here, "udp").unwrap());
    let candidates: Vec<String> = agent.local_candidates().map(|each| each.to_sdp_string()).collect();
    let IceCreds { ufrag, pass } = agent.local_credentials().clone();
    println!(
        "{}",
        json!({ "type": "local", "ufrag": ufrag, "pwd": pass, "options": [], "candidates": candidates })
    );

    let (told, tell) = mpsc::channel::<Value>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = told.send(serde_json::from_str(&line).unwrap());
        }
    });

    let mut destination: Option<SocketAddr> = None;
    let mut buffer = [0; 2048];
    loop {
        if let Ok(remote) = tell.try_recv() {
            let text = |name: &str| remote[name].as_str().unwrap().to_owned();
            agent.set_remote_credentials(IceCreds { ufrag: text("ufrag"), pass: text("pwd") });
            for candidate in remote["candidates"].as_array().unwrap() {
                let Ok(candidate) = Candidate::from_sdp_string(candidate.as_str().unwrap()) else { continue };
                agent.add_remote_candidate(candidate);
            }
        }
        agent.handle_timeout(Instant::now());
        while let Some(transmit) = agent.poll_transmit() {
            let _ = socket.send_to(&transmit.contents, transmit.destination);
        }
        while let Some(event) = agent.poll_event() {
            if let IceAgentEvent::NominatedSend { destination: to, .. } = event {
                if destination.is_none() {
                    println!("{}", json!({ "type": "connected" }));
                }
                destination = Some(to);
            }
        }
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
        let bytes = &buffer[..length];
        match StunMessage::parse(bytes) {
            Ok(message) => {
                let packet = StunPacket { proto: Protocol::Udp, source, destination: here, message };
                agent.handle_packet(Instant::now(), packet);
            }
            Err(_) => {
                if let Some(to) = destination {
                    let _ = socket.send_to(&[b"echo: ", bytes].concat(), to);
                }
            }
        }
    }
}
