package rdapcheck

import "strings"

// The values that IANA has registered (RDAP JSON Values, Link Relation Types, 2026; both
// are in the public domain), and the country codes of ISO 3166-1.

// eventActions are what may have happened to an object.
var eventActions = []string{
	"registration", "reregistration", "last changed", "expiration", "deletion", "reinstantiation", "transfer", "locked",
	"unlocked", "last update of RDAP database", "registrar expiration", "enum validation expiration",
}

// statuses are what an object may be.
var statuses = []string{
	"validated", "renew prohibited", "update prohibited", "transfer prohibited", "delete prohibited", "proxy", "private",
	"removed", "obscured", "associated", "active", "inactive", "locked", "pending create", "pending renew",
	"pending transfer", "pending update", "pending delete", "add period", "auto renew period",
	"client delete prohibited", "client hold", "client renew prohibited", "client transfer prohibited",
	"client update prohibited", "pending restore", "redemption period", "renew period", "server delete prohibited",
	"server renew prohibited", "server transfer prohibited", "server update prohibited", "server hold",
	"transfer period", "administrative", "reserved",
}

// roles are what an entity may be to an object.
var roles = []string{
	"registrant", "technical", "administrative", "abuse", "billing", "registrar", "reseller", "sponsor", "proxy",
	"notifications", "noc",
}

// noticeTypes are what a notice or a remark may be about.
var noticeTypes = []string{
	"result set truncated due to authorization", "result set truncated due to excessive load",
	"result set truncated due to unexplainable reasons", "object truncated due to authorization",
	"object truncated due to excessive load", "object truncated due to unexplainable reasons",
	"object redacted due to authorization",
}

// variantRelations are what a variant may be to a domain.
var variantRelations = []string{
	"registered", "unregistered", "registration restricted", "open registration", "conjoined",
}

// linkRelations are what a link may be.
var linkRelations = strings.Fields(`
	about acl alternate amphtml appendix apple-touch-icon apple-touch-startup-image archives author blocked-by bookmark
	canonical chapter cite-as collection contents convertedfrom copyright create-form current describedby describes
	disclosure dns-prefetch duplicate edit edit-form edit-media enclosure external first glossary help hosts hub icon
	index intervalafter intervalbefore intervalcontains intervaldisjoint intervalduring intervalequals intervalfinishedby
	intervalfinishes intervalin intervalmeets intervalmetby intervaloverlappedby intervaloverlaps intervalstartedby
	intervalstarts item last latest-version license linkset lrdd manifest mask-icon me media-feed memento micropub
	modulepreload monitor monitor-group next next-archive nofollow noopener noreferrer opener openid2.local_id
	openid2.provider original p3pv1 payment pingback preconnect predecessor-version prefetch preload prerender prev
	preview previous prev-archive privacy-policy profile publication related restconf replies ruleinput search section
	self service service-desc service-doc service-meta sip-trunking-capability sponsored start status stylesheet
	subsection successor-version sunset tag terms-of-service timegate timemap type ugc up version-history via webmention
	working-copy working-copy-of`)

// linkMedia are what a link may be made for.
var linkMedia = strings.Fields(`
	screen tty tv projection handheld print braille embossed speech all`)

// mediaTypes are the registered types that a link of ours could lead to.
var mediaTypes = strings.Fields(`
	application/rdap+json application/json application/pdf application/xhtml+xml text/html text/plain text/markdown`)

// extensions are the identifiers that the Rust tool knows and a names registry could use.
var extensions = strings.Fields(`
	rdap_level_0 icann_rdap_response_profile_0 icann_rdap_response_profile_1 icann_rdap_technical_implementation_guide_0
	icann_rdap_technical_implementation_guide_1 redacted subsetting sorting paging reverse_search farv1 rdap_objectTag
	redirect_with_content ttl0 jscontact exts`)

// otherProperties are the properties of jCards that the tool knows and we have no rules for.
var otherProperties = strings.Fields(`
	n nickname photo note role gender tz sound source clientpidmap deathdate title expertise caladruri geo uid bday
	related impp interest member logo categories lang key rev caluri prodid birthplace fburl deathplace org-directory
	anniversary hobby`)

// countries are the codes of ISO 3166-1; XK and UK are not among them.
var countries = strings.Fields(`
	AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
	CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD
	GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
	KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW
	MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC
	SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
	UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`)
