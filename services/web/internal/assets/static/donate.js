// Shows the exact total while an amount is chosen, before anything is sent.
// The form is whole without this file: the server parses the amount, adds the
// cover by the same rule, and Stripe's page shows the total again. So whatever
// is not plainly a number here is left to the server, silently.

const million = 1_000_000n;

// fee is what the processor is expected to keep: the rate, rounded half up to
// a minor unit, and the fixed part.
function fee(charge, terms) {
  return (charge * terms.ppm + million / 2n) / million + terms.fixed;
}

// charge is the smallest total, in steps that can be charged, of which at
// least the gift is left. BigInt, because amounts are never floats.
function charge(gift, terms) {
  let low = (gift - 1n) / terms.step;
  let high = ((gift + terms.fixed + 1n) * million / (million - terms.ppm) + 1n) / terms.step + 1n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const total = middle * terms.step;
    if (total - fee(total, terms) >= gift) high = middle;
    else low = middle;
  }
  return high * terms.step;
}

// minor reads plain digits with one or two decimals, after a point or a comma as
// languages differ; everything else ("1,000", groups, signs) is null here. Arabic
// keyboards have digits and a decimal mark of their own.
function minor(text, terms) {
  const western = text.replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660));
  const match = /^\s*(\d{1,9})(?:[.,٫](\d{1,2}))?\s*$/.exec(western);
  if (!match) return null;
  const decimals = match[2] ?? "";
  if (decimals.length > terms.exponent) return null;
  const value = BigInt(match[1] + decimals.padEnd(terms.exponent, "0"));
  return value > 0n && value % terms.step === 0n ? value : null;
}

function decimal(value, exponent) {
  const digits = value.toString().padStart(exponent + 1, "0");
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

function enhance(form) {
  const output = form.querySelector("output");
  const own = form.querySelector("#amount");
  const cover = form.elements.namedItem("cover_fees");
  const data = form.dataset;
  const terms = {
    ppm: BigInt(data.coverPpm),
    fixed: BigInt(data.coverFixed),
    step: BigInt(data.step),
    exponent: Number(data.exponent),
    minimum: BigInt(data.minimum),
  };
  // Currencies of which only whole units can be charged are written without
  // the decimals that would always be zero.
  const decimals = terms.step >= 10n ** BigInt(terms.exponent) ? 0 : terms.exponent;
  const format = new Intl.NumberFormat(document.documentElement.lang, {
    numberingSystem: "latn", // as the page around it
    style: "currency",
    currency: data.currency,
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });

  function chosen() {
    if (own.value.trim() !== "") return own.value;
    return form.querySelector('input[name="amount"][type="radio"]:checked')?.value ?? "";
  }

  function show() {
    const gift = minor(chosen(), terms);
    if (gift === null || gift < terms.minimum) {
      output.textContent = "";
      return;
    }
    const total = cover?.checked ? charge(gift, terms) : gift;
    // Intl takes the decimal as text, so no digit passes through a float.
    const text = format.format(decimal(total, terms.exponent));
    const often = form.elements.namedItem("frequency")?.value === "monthly" ? data.monthly : data.total;
    output.textContent = often.replace("{total}", text);
  }

  form.addEventListener("input", show);
  form.addEventListener("change", (event) => {
    // A typed amount wins over a chosen one, so choosing takes it away.
    if (event.target.name === "amount" && event.target.type === "radio") own.value = "";
    show();
  });
  // Back from Stripe's page the browser restores the fields after load.
  window.addEventListener("pageshow", show);
  show();
}

for (const form of document.querySelectorAll("form[data-cover-ppm]")) enhance(form);
