package money

import "strings"

// chargeable lists the currencies Stripe can present to a payer, each between
// spaces. STD, which
// Stripe still lists, is left out: ISO 4217 withdrew it in 2018 and nobody can
// hold it.
const chargeable = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN " +
	"BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD " +
	"CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP " +
	"GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD JPY " +
	"KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL " +
	"MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN " +
	"NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR " +
	"RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL " +
	"THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST " +
	"XAF XCD XOF XPF YER ZAR ZMW "

// particular holds the currencies that differ from standard. Minimums are
// Stripe's published ones per settlement currency; Stripe moves them, so a
// charge above them can still be refused and the answer is to be believed.
var particular = map[string]profile{
	// Without decimals.
	"BIF": {0, 1, 8, 0},
	"CLP": {0, 1, 8, 0},
	"DJF": {0, 1, 8, 0},
	"GNF": {0, 1, 8, 0},
	"JPY": {0, 1, 8, 50},
	"KMF": {0, 1, 8, 0},
	"KRW": {0, 1, 8, 0},
	"MGA": {0, 1, 8, 0},
	"PYG": {0, 1, 8, 0},
	"RWF": {0, 1, 8, 0},
	"VND": {0, 1, 8, 0},
	"VUV": {0, 1, 8, 0},
	"XAF": {0, 1, 8, 0},
	"XOF": {0, 1, 8, 0},
	"XPF": {0, 1, 8, 0},

	// Three decimals, the last of which the card networks need to be 0.
	"BHD": {3, 10, 8, 0},
	"JOD": {3, 10, 8, 0},
	"KWD": {3, 10, 8, 0},
	"OMR": {3, 10, 8, 0},
	"TND": {3, 10, 8, 0},

	// No decimals in use, but sent to Stripe with two zeros for compatibility.
	"ISK": {2, 100, 8, 0},
	"UGX": {2, 100, 8, 0},

	// Longer amounts, for a unit that is worth little.
	"IDR": {2, 1, 12, 0},
	"INR": {2, 1, 9, 50},

	"AED": {2, 1, 8, 2_00},
	"AUD": {2, 1, 8, 50},
	"BGN": {2, 1, 8, 1_00},
	"BRL": {2, 1, 8, 50},
	"CAD": {2, 1, 8, 50},
	"CHF": {2, 1, 8, 50},
	"CZK": {2, 1, 8, 15_00},
	"DKK": {2, 1, 8, 2_50},
	"EUR": {2, 1, 8, 50},
	"GBP": {2, 1, 8, 30},
	"HKD": {2, 1, 8, 4_00},
	"HUF": {2, 1, 8, 175_00},
	"MXN": {2, 1, 8, 10_00},
	"MYR": {2, 1, 8, 2_00},
	"NOK": {2, 1, 8, 3_00},
	"NZD": {2, 1, 8, 50},
	"PLN": {2, 1, 8, 2_00},
	"RON": {2, 1, 8, 2_00},
	"SEK": {2, 1, 8, 3_00},
	"SGD": {2, 1, 8, 50},
	"THB": {2, 1, 8, 10_00},
	"USD": {2, 1, 8, 50},
}

// lookup finds the profile of an upper case code.
func lookup(code string) (profile, bool) {
	p, found := particular[code]
	if found {
		return p, true
	}
	// The spaces keep the end of one code and the start of the next from passing
	// for a third.
	if len(code) == 3 && strings.Contains(chargeable, " "+code+" ") {
		return standard, true
	}
	return profile{}, false
}
