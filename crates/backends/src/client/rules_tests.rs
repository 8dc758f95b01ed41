use super::{AddressClass, NetworkRules};
use AddressClass::{
    Broadcast, LinkLocal, LocalTranslation, Loopback, Metadata, Multicast, Private, Reserved,
    Shared, Unspecified,
};

/// Address, its class; `None` is the public internet.
const TABLE: &[(&str, Option<AddressClass>)] = &[
    ("8.8.8.8", None),
    ("1.1.1.1", None),
    ("9.255.255.255", None),
    ("11.0.0.0", None),
    ("100.63.255.255", None),
    ("100.128.0.0", None),
    ("172.15.255.255", None),
    ("172.32.0.0", None),
    ("192.167.255.255", None),
    ("192.0.1.1", None),
    ("198.17.255.255", None),
    ("198.20.0.0", None),
    ("223.255.255.255", None),
    ("2606:4700::1111", None),
    ("2001:4860:4860::8888", None),
    ("127.0.0.1", Some(Loopback)),
    ("127.255.255.255", Some(Loopback)),
    ("::1", Some(Loopback)),
    ("10.0.0.1", Some(Private)),
    ("172.16.0.1", Some(Private)),
    ("172.31.255.255", Some(Private)),
    ("192.168.1.1", Some(Private)),
    ("fc00::1", Some(Private)),
    ("fdff::1", Some(Private)),
    ("fec0::1", Some(Private)),
    ("100.64.0.1", Some(Shared)),
    ("100.127.255.255", Some(Shared)),
    ("169.254.0.1", Some(LinkLocal)),
    ("169.254.170.2", Some(LinkLocal)),
    ("fe80::1", Some(LinkLocal)),
    ("febf::1", Some(LinkLocal)),
    ("169.254.169.254", Some(Metadata)),
    ("100.100.100.200", Some(Metadata)),
    ("192.0.0.192", Some(Metadata)),
    ("168.63.129.16", Some(Metadata)),
    ("fd00:ec2::254", Some(Metadata)),
    ("fd00:ec2::23", Some(Metadata)),
    ("fd20:ce::254", Some(Metadata)),
    ("224.0.0.1", Some(Multicast)),
    ("239.255.255.255", Some(Multicast)),
    ("ff02::1", Some(Multicast)),
    ("255.255.255.255", Some(Broadcast)),
    ("0.0.0.0", Some(Unspecified)),
    ("0.1.2.3", Some(Unspecified)),
    ("::", Some(Unspecified)),
    ("192.0.0.8", Some(Reserved)),
    ("192.0.2.1", Some(Reserved)),
    ("192.88.99.1", Some(Reserved)),
    ("198.18.0.1", Some(Reserved)),
    ("198.51.100.1", Some(Reserved)),
    ("203.0.113.1", Some(Reserved)),
    ("240.0.0.1", Some(Reserved)),
    ("2001:db8::1", Some(Reserved)),
    ("3fff::1", Some(Reserved)),
    ("2001:2::1", Some(Reserved)),
    ("100::1", Some(Reserved)),
    ("5f00::1", Some(Reserved)),
    ("4000::1", Some(Reserved)),
    ("64:ff9b:2::1", Some(Reserved)),
    // IPv4-mapped and IPv4-compatible.
    ("::ffff:8.8.8.8", None),
    ("::ffff:127.0.0.1", Some(Loopback)),
    ("::ffff:10.0.0.1", Some(Private)),
    ("::ffff:169.254.169.254", Some(Metadata)),
    ("::7f00:1", Some(Loopback)),
    ("::169.254.169.254", Some(Metadata)),
    ("::ffff:0.0.0.0", Some(Unspecified)),
    // NAT64.
    ("64:ff9b::8.8.8.8", None),
    ("64:ff9b::127.0.0.1", Some(Loopback)),
    ("64:ff9b::10.1.2.3", Some(Private)),
    ("64:ff9b::169.254.169.254", Some(Metadata)),
    ("64:ff9b::a9fe:a9fe", Some(Metadata)),
    ("64:ff9b:1::8.8.8.8", Some(LocalTranslation)),
    ("64:ff9b:1::169.254.169.254", Some(LocalTranslation)),
    // 6to4 and Teredo.
    ("2002:808:808::1", None),
    ("2002:7f00:1::1", Some(Loopback)),
    ("2002:a9fe:a9fe::1", Some(Metadata)),
    ("2002:c0a8:101::1", Some(Private)),
    ("2001:0:808:808:0:0:f7f7:f7f7", None),
    ("2001:0:7f00:1:0:0:f7f7:f7f7", Some(Loopback)),
    ("2001:0:808:808:0:0:5601:5601", Some(Metadata)),
];

fn class_of(rules: &NetworkRules, address: &str) -> Option<AddressClass> {
    let address = address.parse().unwrap();
    rules.check(address).err().map(|fault| {
        assert_eq!(fault.address, address);
        fault.class
    })
}

#[test]
fn without_ranges_only_the_public_internet_is_reached() {
    for (address, class) in TABLE {
        assert_eq!(
            class_of(&NetworkRules::default(), address),
            *class,
            "{address}"
        );
    }
}

#[test]
fn allowing_everything_still_never_reaches_what_is_never_reached() {
    let rules = NetworkRules {
        allow: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
    };
    for (address, class) in TABLE {
        let expected = class.filter(|class| !class.may_be_allowed());
        let translated = class == &Some(LocalTranslation) && address.contains("169.254");
        let expected = if translated { Some(Metadata) } else { expected };
        assert_eq!(class_of(&rules, address), expected, "{address}");
    }
}

#[test]
fn a_range_allows_what_lies_inside_it_and_nothing_beside_it() {
    let rules = NetworkRules {
        allow: vec![
            "127.0.0.0/8".parse().unwrap(),
            "10.1.0.0/16".parse().unwrap(),
            "64:ff9b:1::/48".parse().unwrap(),
        ],
    };
    let table = [
        ("127.0.0.1", None),
        ("::ffff:127.0.0.1", None),
        ("64:ff9b::127.0.0.1", None),
        ("::1", Some(Loopback)),
        ("10.1.255.255", None),
        ("10.2.0.0", Some(Private)),
        ("2002:a01:203::1", None),
        ("2002:a02:203::1", Some(Private)),
        ("64:ff9b:1::8.8.8.8", None),
        ("64:ff9b:1::10.2.0.1", Some(Private)),
        ("64:ff9b:1::169.254.169.254", Some(Metadata)),
        // The same metadata address at the places of RFC 6052 for /48, /56 and /64.
        ("64:ff9b:1:a9fe:a9:fe00::", Some(Metadata)),
        ("64:ff9b:1:a9:fe:a9fe::", Some(Metadata)),
        ("64:ff9b:1::a9:fea9:fe00:0", Some(Reserved)),
        ("64:ff9b:1::a9:fea9:fe01:101", Some(Reserved)),
    ];
    for (address, class) in table {
        assert_eq!(class_of(&rules, address), class, "{address}");
    }
}

#[test]
fn a_proxy_chosen_by_the_operator_may_stand_inside_his_network_but_not_be_metadata() {
    for (address, class) in TABLE {
        let expected = class.filter(|class| !class.may_be_allowed());
        let translated = class == &Some(LocalTranslation) && address.contains("169.254");
        let expected = if translated { Some(Metadata) } else { expected };
        let got = NetworkRules::check_operator_chosen(address.parse().unwrap()).err();
        assert_eq!(got.map(|fault| fault.class), expected, "{address}");
    }
}
