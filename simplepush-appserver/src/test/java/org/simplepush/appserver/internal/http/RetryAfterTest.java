package org.simplepush.appserver.internal.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RetryAfterTest {
  private static final InstantSource CLOCK =
      InstantSource.fixed(Instant.parse("2030-01-01T00:00:00Z"));

  private static @Nullable Duration of(String... headers) {
    Response.Builder response =
        new Response.Builder()
            .request(new Request.Builder().url("https://push.example/").build())
            .protocol(Protocol.HTTP_1_1)
            .code(503)
            .message("");
    for (int i = 0; i < headers.length; i += 2) {
      response.header(headers[i], headers[i + 1]);
    }
    return RetryAfter.of(response.build(), CLOCK);
  }

  @Test
  void secondsAreSeconds() {
    assertThat(of("Retry-After", "0")).isZero();
    assertThat(of("Retry-After", "90")).isEqualTo(Duration.ofSeconds(90));
    assertThat(of("Retry-After", "120")).isEqualTo(Duration.ofMinutes(2));
  }

  @Test
  void numberTooLongIsLong() {
    assertThat(of("Retry-After", "123456789")).isEqualTo(Duration.ofSeconds(123_456_789));
    assertThat(of("Retry-After", "1234567890")).isEqualTo(Duration.ofSeconds(999_999_999));
    assertThat(of("Retry-After", "99999999999999999999999")).isGreaterThan(Duration.ofDays(1000));
  }

  @Test
  void dateIsByTheClockThatWroteIt() {
    assertThat(
            of(
                "Retry-After",
                "Tue, 01 Jan 2019 00:01:30 GMT",
                "Date",
                "Tue, 01 Jan 2019 00:00:00 GMT"))
        .isEqualTo(Duration.ofSeconds(90));
  }

  @Test
  void dateIsByOurClockIfTheServerTellsNoTime() {
    assertThat(of("Retry-After", "Tue, 01 Jan 2030 00:00:45 GMT"))
        .isEqualTo(Duration.ofSeconds(45));
  }

  @Test
  void dateThatHasPassedIsNow() {
    assertThat(of("Retry-After", "Tue, 01 Jan 2019 00:00:00 GMT")).isZero();
  }

  @Test
  void withoutHeaderNothingIsAsked() {
    assertThat(of()).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "-1", "1.5", "1e3", "/", ":", "1:", "9/"})
  void nonsenseIsIgnored(String value) {
    assertThat(of("Retry-After", value)).isNull();
  }
}
