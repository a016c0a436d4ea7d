const secondsPerDay = 86400

/**
 * RFC 3339 in UTC with as many fractional digits as needed (Go's RFC3339Nano): `2026-11-21T05:34:46.120000034Z`.
 * Without Date, which the static form does not link.
 * @param seconds since 1970, as clock_gettime(2) gives them
 * @param nanos 0 to 999999999
 */
export function formatTime(seconds: number, nanos: number): string {
  const days = Math.floor(seconds / secondsPerDay)
  const rest = seconds - days * secondsPerDay
  const clock = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`
  return `${date(days)}T${clock}${fraction(nanos)}Z`
}

/** Days since 1970-01-01 to `YYYY-MM-DD` in the Gregorian calendar. Years start in March here: the leap day is last. */
function date(days: number): string {
  const shifted = days + 719468 // days from 0000-03-01 to 1970-01-01
  const era = Math.floor(shifted / 146097) // 400 years
  const dayOfEra = shifted - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const month = Math.floor((5 * dayOfYear + 2) / 153) // 0 is March
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1
  const year = era * 400 + yearOfEra + (month >= 10 ? 1 : 0)
  return `${String(year).padStart(4, '0')}-${two(month >= 10 ? month - 9 : month + 3)}-${two(day)}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

function fraction(nanos: number): string {
  if (nanos === 0) return ''
  const digits = String(nanos).padStart(9, '0')
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return `.${digits.slice(0, end)}`
}
