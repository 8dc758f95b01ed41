use serde_json::{Value, json};

use super::*;

/// The contract's vectors.
fn vector(algorithm: &str) -> Value {
    let text = include_str!("../../vectors/crypto.json");
    serde_json::from_str::<Value>(text).unwrap()[algorithm].take()
}

fn text(vector: &Value, key: &str) -> String {
    vector[key].as_str().unwrap().to_owned()
}

fn public_key() -> String {
    text(&vector("client-side"), "public_key_pem")
}

#[test]
fn the_vector_holds_in_both_directions() {
    let vector = vector("aes256-gcm");
    let (plain, secret) = (text(&vector, "plaintext"), text(&vector, "client_secret"));
    let wire = text(&vector, "wire");
    let nonce: [u8; NONCE_BYTES] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert_eq!(vector["iv_hex"], "000102030405060708090a0b0c0d0e0f");
    assert_eq!(encrypt(&plain, &secret, nonce), Ok(wire.clone()));
    assert_eq!(decrypt(&wire, [secret.as_str()]).unwrap().expose(), &plain);
    // only the beginning of the secret is the key
    let other_end = format!("{}…", &secret[..KEY_BYTES]);
    assert_eq!(encrypt(&plain, &other_end, nonce), Ok(wire));
}

#[test]
fn what_opens_with_no_secret_says_why() {
    let vector = vector("aes256-gcm");
    let (wire, secret) = (text(&vector, "wire"), text(&vector, "client_secret"));
    let other = secret.to_ascii_uppercase();
    let opened = decrypt(&wire, [other.as_str(), "short", secret.as_str()]).unwrap();
    assert_eq!(opened.expose(), &text(&vector, "plaintext"));
    let changed = wire.replacen('A', "B", 1);
    for (value, secrets, fault) in [
        (wire.as_str(), vec![], Unopened::Key),
        (&wire, vec![other.as_str(), "short"], Unopened::Key),
        (&changed, vec![secret.as_str()], Unopened::Key),
        ("pässword-1", vec![secret.as_str()], Unopened::Form),
        ("AAECAwQF", vec![secret.as_str()], Unopened::Form),
        ("", vec![secret.as_str()], Unopened::Form),
    ] {
        assert_eq!(decrypt(value, secrets), Err(fault), "{value}");
    }
}

#[test]
fn texts_of_any_length_come_back_and_a_short_secret_encrypts_none() {
    let secret = "0123456789abcdef0123456789abcdef";
    for plain in ["", "a", "ключ", &"x".repeat(100_000)] {
        let wire = encrypt(plain, secret, [7; NONCE_BYTES]).unwrap();
        assert_eq!(decrypt(&wire, [secret]).unwrap().expose(), plain);
    }
    assert_eq!(
        encrypt("a", &secret[1..], [7; NONCE_BYTES]),
        Err(SecretTooShort)
    );
}

#[test]
fn a_value_fits_the_key_that_it_is_for() {
    let vector = vector("client-side");
    let layout = Layout::of_key(&public_key()).unwrap();
    assert!(layout.fits(&text(&vector, "wire")));
    let shown = layout.to_string();
    assert!(
        shown.contains("IV of 12 bytes") && shown.contains("in 256 bytes"),
        "{shown}"
    );
    let of = |bytes: usize| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(vec![1; bytes])
    };
    assert!(layout.fits(&of(12 + 256 + 16)), "an empty text");
    let wire = text(&vector, "wire");
    for (case, value) in [
        ("plain text", "pässword-1".to_owned()),
        ("nothing", String::new()),
        ("one byte short", of(12 + 256 + 15)),
        (
            "another encryption's",
            "AAECAwQFBgcICQoLDA0ODx1t1pUKF0mAYgZ+yI6zclcWj0STUSz+/2rNqA==".to_owned(),
        ),
        (
            "long plain text",
            "correct horse battery staple ".repeat(20),
        ),
        ("cut", wire[..wire.len() - 1].to_owned()),
        ("another alphabet", wire.replace('+', "-").replace('/', "_")),
    ] {
        assert!(!layout.fits(&value), "{case}");
    }
}

/// An RSA key with a modulus of ones, in PEM.
fn key_of(modulus_bytes: usize, label: &str) -> String {
    use base64::Engine as _;
    let tagged = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [[tag, 0x82].as_slice(), &length, content].concat()
    };
    let modulus = tagged(2, &[&[0], vec![0xff; modulus_bytes].as_slice()].concat());
    let rsa = tagged(0x30, &[modulus.as_slice(), &[2, 1, 3]].concat());
    // rsaEncryption, with its parameters
    let kind = [
        0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0,
    ];
    let bits = tagged(3, &[&[0], rsa.as_slice()].concat());
    let key = tagged(0x30, &[kind.as_slice(), &bits].concat());
    let text = base64::engine::general_purpose::STANDARD.encode(key);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn keys_that_cannot_be_used_say_why() {
    let key = public_key();
    assert!(Layout::of_key(&key.replace('\n', "\r\n")).is_ok());
    let larger = Layout::of_key(&key_of(512, "PUBLIC KEY")).unwrap();
    assert!(larger.to_string().contains("in 512 bytes"));
    let middle = key.len() / 2;
    for (pem, fault) in [
        (String::new(), KeyFault::Pem),
        ("k".to_owned(), KeyFault::Pem),
        ("-----BEGIN PUBLIC KEY-----".to_owned(), KeyFault::Pem),
        (text(&vector("client-side"), "private_key_pem"), KeyFault::Pem),
        (key_of(256, "RSA PUBLIC KEY"), KeyFault::Pem),
        (format!("{key}{key}"), KeyFault::Pem),
        (key[..middle].to_owned(), KeyFault::Pem),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".to_owned(),
            KeyFault::NotRsa,
        ),
        (
            // on the curve P-256
            "-----BEGIN PUBLIC KEY-----\n\
             MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n\
             -----END PUBLIC KEY-----\n"
                .to_owned(),
            KeyFault::NotRsa,
        ),
        (key_of(128, "PUBLIC KEY"), KeyFault::Size(1024)),
        (key_of(4096, "PUBLIC KEY"), KeyFault::Size(32_768)),
        ("x".repeat(MAX_KEY_PEM_BYTES + 1), KeyFault::TooLong(MAX_KEY_PEM_BYTES + 1)),
    ] {
        assert_eq!(Layout::of_key(&pem), Err(fault), "{pem}");
    }
}

#[test]
fn an_encryption_is_one_of_two() {
    let ours = Encryption::parse(&json!("aes256-gcm")).unwrap();
    assert_eq!(ours.algorithm(), Algorithm::Aes256Gcm);
    let theirs = json!({"algorithm": "client-side", "key": public_key()});
    let theirs = Encryption::parse(&theirs).unwrap();
    assert_eq!(theirs.algorithm(), Algorithm::ClientSide);
    for value in [
        json!("rot13"),
        json!("client-side"),
        json!(true),
        json!({}),
        json!(["aes256-gcm"]),
        json!({"algorithm": "client-side"}),
        json!({"algorithm": "client-side", "key": 1}),
        json!({"algorithm": "aes256-gcm", "key": public_key()}),
    ] {
        assert_eq!(Encryption::parse(&value), Err(Unknown::Form), "{value}");
    }
    let broken = json!({"algorithm": "client-side", "key": "k"});
    assert_eq!(Encryption::parse(&broken), Err(Unknown::Key(KeyFault::Pem)));
}

#[test]
fn an_algorithm_is_shown_and_stored_alike() {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::ClientSide] {
        assert_eq!(json!(algorithm), algorithm.to_string());
    }
}
