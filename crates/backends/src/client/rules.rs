//! Which addresses may be connected to. The operator's configuration widens it, data never does.
//!
//! An address that carries another one inside (mapped, translated, tunnelled) is judged by what
//! it carries.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why an address may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Loopback; may be allowed.
    Loopback,
    /// A private or site-local network; may be allowed.
    Private,
    /// Carrier-grade shared space, 100.64.0.0/10; may be allowed.
    Shared,
    /// A local network's translation prefix, 64:ff9b:1::/48; may be allowed.
    LocalTranslation,
    /// Link-local; never.
    LinkLocal,
    /// A cloud's metadata or credential service; never.
    Metadata,
    /// Multicast; never.
    Multicast,
    /// Broadcast; never.
    Broadcast,
    /// "This host" or "this network"; never.
    Unspecified,
    /// Documentation, benchmarking or reserved space; never.
    Reserved,
}

impl AddressClass {
    /// Whether the configuration may allow addresses of this class.
    #[must_use]
    pub const fn may_be_allowed(self) -> bool {
        matches!(
            self,
            Self::Loopback | Self::Private | Self::Shared | Self::LocalTranslation
        )
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a shared address (100.64.0.0/10)",
            Self::LocalTranslation => "a local translation address (64:ff9b:1::/48)",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Unspecified => "an unspecified address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// An address that the rules refuse, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressFault {
    /// The address as it would be connected to.
    pub address: IpAddr,
    /// What it is, or carries.
    pub class: AddressClass,
}

/// The ranges that outgoing calls may reach beyond the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    /// Loopback, private, shared and local translation addresses inside these may be reached.
    pub allow: Vec<IpNet>,
}

impl NetworkRules {
    /// Whether `address` may be connected to.
    ///
    /// # Errors
    /// The class that forbids it.
    pub fn check(&self, address: IpAddr) -> Result<(), AddressFault> {
        self.judge(address)
            .map_or(Ok(()), |class| Err(AddressFault { address, class }))
    }

    /// As `check`, but what may be allowed counts as allowed: for the operator's own proxy.
    pub(super) fn check_operator_chosen(address: IpAddr) -> Result<(), AddressFault> {
        let everything = Self {
            allow: vec![IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())],
        };
        everything.check(address)
    }

    fn judge(&self, address: IpAddr) -> Option<AddressClass> {
        match address {
            IpAddr::V4(v4) => self.judge_v4(v4),
            IpAddr::V6(v6) => self.judge_v6(v6),
        }
    }

    fn judge_v4(&self, v4: Ipv4Addr) -> Option<AddressClass> {
        let class = classify_v4(v4)?;
        self.unless_allowed(class, IpAddr::V4(v4))
    }

    fn judge_v6(&self, v6: Ipv6Addr) -> Option<AddressClass> {
        if let Some(carried) = carried_as_whole(v6) {
            return self.judge_v4(carried);
        }
        if let Some(class) = classify_v6(v6) {
            let refused = self.unless_allowed(class, IpAddr::V6(v6));
            if refused.is_some() || class != AddressClass::LocalTranslation {
                return refused;
            }
        }
        carried(v6).find_map(|v4| self.judge_v4(v4))
    }

    fn unless_allowed(&self, class: AddressClass, address: IpAddr) -> Option<AddressClass> {
        let allowed = class.may_be_allowed() && self.allow.iter().any(|net| net.contains(&address));
        (!allowed).then_some(class)
    }
}

/// Services inside a cloud's network that hand out credentials to whoever can reach them.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba Cloud
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Cloud
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server, a public address
];

/// The same over IPv6; the first is the prefix of every AWS instance service.
const METADATA_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254), 128), // Google Cloud
    (
        Ipv6Addr::new(0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
        128,
    ), // Oracle Cloud
    (Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x42), 128),  // Scaleway
];

/// IANA's special-purpose IPv4 blocks, first match wins.
const BLOCKS_V4: [(Ipv4Addr, u8, AddressClass); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, AddressClass::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, AddressClass::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, AddressClass::Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, AddressClass::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, AddressClass::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, AddressClass::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, AddressClass::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, AddressClass::Reserved),
    (Ipv4Addr::new(192, 31, 196, 0), 24, AddressClass::Reserved),
    (Ipv4Addr::new(192, 52, 193, 0), 24, AddressClass::Reserved),
    (Ipv4Addr::new(192, 88, 99, 0), 24, AddressClass::Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, AddressClass::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, AddressClass::Reserved),
    (Ipv4Addr::new(198, 51, 100, 0), 24, AddressClass::Reserved),
    (Ipv4Addr::new(203, 0, 113, 0), 24, AddressClass::Reserved),
    (Ipv4Addr::new(224, 0, 0, 0), 4, AddressClass::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, AddressClass::Reserved),
];

/// IANA's special-purpose IPv6 blocks inside 2000::/3; all else outside it is judged in code.
const RESERVED_V6: [(Ipv6Addr, u8); 6] = [
    (Ipv6Addr::new(0x2001, 0x0002, 0, 0, 0, 0, 0, 0), 48), // benchmarking
    (Ipv6Addr::new(0x2001, 0x0010, 0, 0, 0, 0, 0, 0), 28), // ORCHID
    (Ipv6Addr::new(0x2001, 0x0020, 0, 0, 0, 0, 0, 0), 28), // ORCHIDv2
    (Ipv6Addr::new(0x2001, 0x0030, 0, 0, 0, 0, 0, 0), 28), // DRIP
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),      // documentation
];

fn classify_v4(v4: Ipv4Addr) -> Option<AddressClass> {
    if METADATA_V4.contains(&v4) {
        return Some(AddressClass::Metadata);
    }
    if v4.is_broadcast() {
        return Some(AddressClass::Broadcast);
    }
    BLOCKS_V4
        .iter()
        .find(|(base, bits, _)| in_v4(v4, *base, *bits))
        .map(|(_, _, class)| *class)
}

fn classify_v6(v6: Ipv6Addr) -> Option<AddressClass> {
    if v6.is_unspecified() {
        return Some(AddressClass::Unspecified);
    }
    if v6.is_loopback() {
        return Some(AddressClass::Loopback);
    }
    if METADATA_V6
        .iter()
        .any(|(base, bits)| in_v6(v6, *base, *bits))
    {
        return Some(AddressClass::Metadata);
    }
    let first = v6.segments()[0];
    match first {
        _ if first & 0xffc0 == 0xfe80 => Some(AddressClass::LinkLocal),
        _ if first & 0xff00 == 0xff00 => Some(AddressClass::Multicast),
        _ if first & 0xffc0 == 0xfec0 || first & 0xfe00 == 0xfc00 => Some(AddressClass::Private),
        0x0064 if is_nat64(v6) => None,
        0x0064 if is_local_nat64(v6) => Some(AddressClass::LocalTranslation),
        // Only 2000::/3 is handed out for global unicast.
        _ if first & 0xe000 != 0x2000 => Some(AddressClass::Reserved),
        _ => RESERVED_V6
            .iter()
            .any(|(base, bits)| in_v6(v6, *base, *bits))
            .then_some(AddressClass::Reserved),
    }
}

/// The IPv4 address that a mapped (`::ffff:0:0/96`) or compatible (`::/96`) one stands for.
fn carried_as_whole(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    if v6.is_unspecified() || v6.is_loopback() {
        return None;
    }
    v6.to_ipv4()
}

/// The IPv4 addresses that a translator or tunnel would reach for `v6`: NAT64, 6to4, Teredo.
fn carried(v6: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let o = v6.octets();
    let last = Ipv4Addr::new(o[12], o[13], o[14], o[15]);
    let found = if is_nat64(v6) {
        [Some(last), None, None, None]
    } else if is_local_nat64(v6) {
        // RFC 6052 §2.2: where the address sits depends on the prefix in use, which only the
        // network knows. A place that is not in use may read as 0.x.y.z, which is nobody's.
        let places = [
            Ipv4Addr::new(o[6], o[7], o[9], o[10]),
            Ipv4Addr::new(o[7], o[9], o[10], o[11]),
            Ipv4Addr::new(o[9], o[10], o[11], o[12]),
        ];
        let used = places.map(|v4| (v4.octets()[0] != 0).then_some(v4));
        [
            (last.octets()[0] != 0).then_some(last),
            used[0],
            used[1],
            used[2],
        ]
    } else if o[..2] == [0x20, 0x02] {
        let gateway = Ipv4Addr::new(o[2], o[3], o[4], o[5]);
        [Some(gateway), None, None, None]
    } else if o[..4] == [0x20, 0x01, 0, 0] {
        let server = Ipv4Addr::new(o[4], o[5], o[6], o[7]);
        let client = Ipv4Addr::new(!o[12], !o[13], !o[14], !o[15]);
        [Some(server), Some(client), None, None]
    } else {
        [None; 4]
    };
    found.into_iter().flatten()
}

fn is_nat64(v6: Ipv6Addr) -> bool {
    v6.segments()[..6] == [0x0064, 0xff9b, 0, 0, 0, 0]
}

fn is_local_nat64(v6: Ipv6Addr) -> bool {
    v6.segments()[..3] == [0x0064, 0xff9b, 1]
}

fn in_v4(address: Ipv4Addr, base: Ipv4Addr, bits: u8) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
    (u32::from(address) ^ u32::from(base)) & mask == 0
}

fn in_v6(address: Ipv6Addr, base: Ipv6Addr, bits: u8) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    (u128::from(address) ^ u128::from(base)) & mask == 0
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
