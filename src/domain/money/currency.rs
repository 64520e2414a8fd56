//! Currencies, by the codes of ISO 4217.
//!
//! The codes are those of its list one (currencies and funds in use), published by SIX as the
//! maintenance agency, as of January 2026. A code that is stored already is read by its form alone:
//! what was accepted before, and what the list drops, stays usable.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The code of a currency: three upper-case ASCII letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not three upper-case letters")]
pub struct InvalidCurrency;

/// List one, without its two codes that are no currency: for tests, and for none. Sorted.
const ISO_4217: &str = "\
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN \
    BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR \
    FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY \
    KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU \
    MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON \
    RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP \
    TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB \
    XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG";

impl Currency {
    pub const EUR: Currency = Currency(*b"EUR");
    pub const USD: Currency = Currency(*b"USD");

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("checked when made")
    }

    /// Whether it is a currency of ISO 4217.
    pub fn is_listed(self) -> bool {
        ISO_4217.split(' ').any(|code| code == self.as_str())
    }
}

/// By its form.
impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Currency, InvalidCurrency> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| InvalidCurrency)?;
        if bytes.iter().all(u8::is_ascii_uppercase) {
            Ok(Currency(bytes))
        } else {
            Err(InvalidCurrency)
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_listed_once_and_in_order() {
        let codes: Vec<&str> = ISO_4217.split(' ').collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "sorted, each once");
        for code in codes {
            assert!(code.parse::<Currency>().is_ok_and(Currency::is_listed), "{code}");
        }
    }

    #[test]
    fn what_is_no_currency_is_not_listed() {
        for code in ["EUR", "USD", "JPY", "VND", "IDR", "CHF", "XCG", "ZWG"] {
            assert!(code.parse::<Currency>().unwrap().is_listed(), "{code}");
        }
        // Of no country, for tests, never given, not of the list, replaced by the euro.
        for code in [concat!("XX", "X"), "XTS", "ZZZ", "AAA", "BTC", "ETH", "HRK", "BGN", "DEM"] {
            assert!(!code.parse::<Currency>().unwrap().is_listed(), "{code}");
        }
        for text in ["", "EU", "EURO", "eur", "E R", "E€"] {
            assert_eq!(text.parse::<Currency>(), Err(InvalidCurrency), "{text}");
        }
    }
}
