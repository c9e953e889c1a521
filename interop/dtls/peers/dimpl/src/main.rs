//! dimpl's DTLS 1.2 and 1.3. What its command line means and what it says: ../../../program.ts.

use std::collections::HashMap;
use std::fs;
use std::net::UdpSocket;
use std::process::exit;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::crypto::{Dtls12CipherSuite, Dtls13CipherSuite, NamedGroup, SrtpProfile};
use dimpl::{Config, Dtls, DtlsCertificate, Output, ProtocolVersion};
use sha2::{Digest, Sha256};

fn fail(doing: &str, why: impl std::fmt::Debug) -> ! {
    let why = format!("{doing}: {why:?}").replace('"', "'");
    println!(r#"{{"type":"failed","why":"{why}"}}"#);
    exit(1)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first block of a PEM file.
fn read_pem(path: &str) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap_or_else(|why| fail(path, why));
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    let lines = text
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('-'));
    for symbol in lines.flat_map(|line| line.bytes()) {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn group_of(name: &str) -> NamedGroup {
    match name {
        "x25519" => NamedGroup::X25519,
        "secp256r1" => NamedGroup::Secp256r1,
        "secp384r1" => NamedGroup::Secp384r1,
        _ => fail("group", name),
    }
}

fn suites_of(aead: &str) -> (Dtls12CipherSuite, Dtls13CipherSuite) {
    match aead {
        "aes-128-gcm" => (
            Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
            Dtls13CipherSuite::AES_128_GCM_SHA256,
        ),
        "aes-256-gcm" => (
            Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384,
            Dtls13CipherSuite::AES_256_GCM_SHA384,
        ),
        "chacha20-poly1305" => (
            Dtls12CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
            Dtls13CipherSuite::CHACHA20_POLY1305_SHA256,
        ),
        _ => fail("aead", aead),
    }
}

fn profile_name(profile: SrtpProfile) -> &'static str {
    match profile {
        SrtpProfile::AES128_CM_SHA1_80 => "AES128_CM_HMAC_SHA1_80",
        SrtpProfile::AEAD_AES_128_GCM => "AEAD_AES_128_GCM",
        SrtpProfile::AEAD_AES_256_GCM => "AEAD_AES_256_GCM",
        _ => "",
    }
}

struct Peer {
    dtls: Dtls,
    socket: UdpSocket,
    say: Option<String>,
    fingerprint: String,
    srtp: &'static str,
    exporter: String,
    is_connected: bool,
    has_told: bool,
}

impl Peer {
    /// Takes all that it has to say; returns when it wants to be looked at next.
    fn poll(&mut self) -> Instant {
        let mut room = vec![0u8; 4000];
        loop {
            let mut heard = None;
            match self.dtls.poll_output(&mut room) {
                Output::Packet(packet) => drop(self.socket.send(packet)),
                Output::PeerCert(der) => self.fingerprint = hex(&Sha256::digest(der)),
                Output::KeyingMaterial(material, profile) => {
                    self.srtp = profile_name(profile);
                    self.exporter = hex(&material);
                }
                Output::Connected => self.is_connected = true,
                Output::ApplicationData(data) => heard = Some(data.to_vec()),
                Output::CloseNotify => {
                    println!(r#"{{"type":"closed"}}"#);
                    exit(0)
                }
                Output::Timeout(due) => {
                    self.tell();
                    return due;
                }
                _ => {}
            }
            if let Some(data) = heard {
                self.hear(&data);
            }
        }
    }

    fn tell(&mut self) {
        if !self.is_connected || self.has_told {
            return;
        }
        self.has_told = true;
        let version = match self.dtls.protocol_version() {
            Some(ProtocolVersion::DTLS1_3) => "1.3",
            _ => "1.2",
        };
        // It tells neither the cipher suite nor the group: who gave it one only knows.
        let (srtp, exporter, fingerprint) = (self.srtp, &self.exporter, &self.fingerprint);
        println!(
            r#"{{"type":"connected","version":"{version}","srtp":"{srtp}","exporter":"{exporter}","fingerprint":"{fingerprint}"}}"#
        );
        if let Some(text) = self.say.clone() {
            self.send(text.as_bytes());
        }
    }

    fn hear(&mut self, data: &[u8]) {
        if self.say.is_some() {
            let text = String::from_utf8_lossy(data);
            println!(r#"{{"type":"heard","text":"{}"}}"#, text.trim_end());
            return;
        }
        self.send(&[b"echo: ", data].concat());
    }

    fn send(&mut self, data: &[u8]) {
        if let Err(why) = self.dtls.send_application_data(data) {
            fail("send", why)
        }
    }
}

fn main() {
    let options: HashMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|word| {
            word.split_once('=')
                .map(|(name, value)| (name.into(), value.into()))
        })
        .collect();
    let option = |name: &str| options.get(name).map_or("", |value| value.as_str());
    let list = |name: &str| {
        option(name)
            .split(',')
            .filter(|each| !each.is_empty())
            .collect::<Vec<_>>()
    };

    let groups: Vec<_> = list("groups").into_iter().map(group_of).collect();
    let (suites_12, suites_13): (Vec<_>, Vec<_>) = list("aeads").into_iter().map(suites_of).unzip();
    let mut config = Config::builder()
        .kx_groups(&groups)
        .dtls12_cipher_suites(&suites_12)
        .dtls13_cipher_suites(&suites_13)
        .use_server_cookie(option("cookie") == "1");
    if let Ok(mtu) = option("mtu").parse() {
        config = config.mtu(mtu);
    }
    if option("update") != "" {
        // So few records that every message needs new keys.
        config = config.aead_encryption_limit(2);
    }
    let config = Arc::new(config.build().unwrap_or_else(|why| fail("options", why)));
    let certificate = DtlsCertificate {
        certificate: read_pem(option("certificate")),
        private_key: read_pem(option("key")),
    };
    let make = match option("versions") {
        "1.2" => Dtls::new_12,
        "1.3" => Dtls::new_13,
        _ => Dtls::new_auto,
    };

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap_or_else(|why| fail("bind", why));
    let mut packet = [0u8; 4000];
    let mut first = 0;
    if option("role") == "server" {
        println!(
            r#"{{"type":"listening","port":{}}}"#,
            socket.local_addr().unwrap().port()
        );
        let (length, from) = socket
            .recv_from(&mut packet)
            .unwrap_or_else(|why| fail("receive", why));
        first = length;
        socket.connect(from).unwrap();
    } else {
        socket
            .connect(format!("127.0.0.1:{}", option("port")))
            .unwrap();
    }
    let mut dtls = make(config, certificate, Instant::now());
    dtls.set_active(option("role") == "client");
    let mut peer = Peer {
        dtls,
        socket,
        say: options.get("say").cloned(),
        fingerprint: String::new(),
        srtp: "",
        exporter: String::new(),
        is_connected: false,
        has_told: false,
    };
    let step =
        |returned: Result<(), dimpl::Error>| returned.unwrap_or_else(|why| fail("handshake", why));
    step(peer.dtls.handle_timeout(Instant::now()));
    let mut due = peer.poll();
    if first > 0 {
        step(peer.dtls.handle_packet(&packet[..first]));
        due = peer.poll();
    }
    loop {
        let wait = due.saturating_duration_since(Instant::now());
        peer.socket
            .set_read_timeout(Some(
                wait.clamp(Duration::from_millis(1), Duration::from_secs(1)),
            ))
            .unwrap();
        let received = peer.socket.recv(&mut packet);
        step(peer.dtls.handle_timeout(Instant::now()));
        due = peer.poll();
        if let Ok(length) = received {
            step(peer.dtls.handle_packet(&packet[..length]));
            due = peer.poll();
        }
        // What was sent in the middle of a poll leaves with the next.
        due = due.min(peer.poll());
    }
}
