/*
 * Clocks and dates. The calendar is computed here because gmtime(3) may open
 * the zone file, which the sandbox forbids.
 */
#include "common/clock.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static struct timespec
now(clockid_t id)
{
	struct timespec t;
	int r = clock_gettime(id, &t);

	assert(r == 0);
	return t;
}

int64_t
clock_unix_s(void)
{
	return (int64_t)now(CLOCK_REALTIME).tv_sec;
}

int64_t
clock_unix_ms(void)
{
	struct timespec t = now(CLOCK_REALTIME);

	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t
clock_mono_us(void)
{
	struct timespec t = now(CLOCK_MONOTONIC);

	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct date {
	int year, month, day, weekday, hour, minute, second;
};

#define LAST_SECOND 253402300799 /* 9999-12-31T23:59:59Z */

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return days[month] + (month == 1 && is_leap(year));
}

/* Times outside 1970..9999 become the nearest second inside. */
static struct date
date_of(int64_t unix_s)
{
	if (unix_s < 0)
		unix_s = 0;
	if (unix_s > LAST_SECOND)
		unix_s = LAST_SECOND;

	int day = (int)(unix_s / 86400), rest = (int)(unix_s % 86400);
	struct date d = { .weekday = (day + 4) % 7,
		.hour = rest / 3600,
		.minute = rest / 60 % 60,
		.second = rest % 60 };

	/* 400 years have 146097 days; the rest is counted year by year */
	d.year = 1970 + day / 146097 * 400;
	day %= 146097;
	for (; day >= 365 + is_leap(d.year); d.year++)
		day -= 365 + is_leap(d.year);
	for (; day >= days_in_month(d.year, d.month); d.month++)
		day -= days_in_month(d.year, d.month);
	d.day = day + 1;
	return d;
}

static void
format_rfc1123(char *dst, size_t cap, int64_t unix_s, const char *zone)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct date d = date_of(unix_s);
	int len = snprintf(dst, cap, "%s, %02d %s %04d %02d:%02d:%02d %s",
	    days[d.weekday], d.day, months[d.month], d.year, d.hour, d.minute,
	    d.second, zone);

	assert(len >= 0 && (size_t)len == cap - 1);
}

void
clock_http_date(char dst[CLOCK_HTTP_LEN + 1], int64_t unix_s)
{
	format_rfc1123(dst, CLOCK_HTTP_LEN + 1, unix_s, "GMT");
}

void
clock_rfc1123z(char dst[CLOCK_RFC1123Z_LEN + 1], int64_t unix_s)
{
	format_rfc1123(dst, CLOCK_RFC1123Z_LEN + 1, unix_s, "+0000");
}

void
clock_rfc3339(char dst[CLOCK_RFC3339_LEN + 1], int64_t unix_s)
{
	struct date d = date_of(unix_s);
	int len = snprintf(dst, CLOCK_RFC3339_LEN + 1,
	    "%04d-%02d-%02dT%02d:%02d:%02dZ", d.year, d.month + 1, d.day,
	    d.hour, d.minute, d.second);

	assert(len == CLOCK_RFC3339_LEN);
}
