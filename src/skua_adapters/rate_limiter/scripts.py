"""What Redis does with buckets, each time in one step and by its own clock.

A key holds the microsecond at which its bucket will be full again, and is gone by then. KEYS has
one key for each permit, the same one twice if need be; ARGV how many microseconds a permit takes
to come back and how many there are, for each permit in turn.
"""

_BEGIN = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local function keep(key, full_at)
  if full_at <= now then
    redis.call('DEL', key)
    return
  end
  local milliseconds = math.ceil((full_at - now) / 1000)
  redis.call('SET', key, string.format('%.0f', full_at),
    'PX', string.format('%.0f', milliseconds))
end
"""

TAKE = f"""{_BEGIN}
local after = {{}}
local wait = 0
for number, key in ipairs(KEYS) do
  local every = tonumber(ARGV[2 * number - 1])
  local whole = every * tonumber(ARGV[2 * number])
  local full_at = after[key]
  if not full_at then
    -- Not later than an empty bucket's: the clock may have been set back, or the bucket made
    -- smaller.
    local stored = tonumber(redis.call('GET', key) or now)
    full_at = math.max(now, math.min(stored, now + whole))
  end
  full_at = full_at + every
  after[key] = full_at
  wait = math.max(wait, full_at - whole - now)
end
if wait == 0 then
  for key, full_at in pairs(after) do
    keep(key, full_at)
  end
end
return wait
"""
"""Takes all and answers 0, or takes none and answers for how many microseconds to wait."""

GIVE_BACK = f"""{_BEGIN}
for number, key in ipairs(KEYS) do
  local full_at = tonumber(redis.call('GET', key) or now)
  keep(key, full_at - tonumber(ARGV[2 * number - 1]))
end
return 0
"""
