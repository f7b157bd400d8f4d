package org.simplepush.appserver.internal.send;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.appserver.internal.http.EndpointGuard;

class AnswerTest {
  private static Answer status(int code) {
    return new Answer.Status(code, null, false);
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 204, 299})
  void success(int code) {
    assertThat(status(code).outcome()).isEqualTo(new Outcome.Accepted(false));
    assertThat(new Answer.Status(code, null, true).outcome()).isEqualTo(new Outcome.Accepted(true));
  }

  @ParameterizedTest
  @ValueSource(ints = {404, 410})
  void gone(int code) {
    assertThat(status(code).outcome()).isEqualTo(new Outcome.Gone(code));
    assertThat(status(code).lastOutcome(3)).isEqualTo(new Outcome.Gone(code));
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 301, 307, 399})
  void redirect(int code) {
    assertThat(status(code).outcome())
        .isInstanceOfSatisfying(
            Outcome.Refused.class,
            refused -> assertThat(refused.check()).isEqualTo(Outcome.Check.REDIRECT));
  }

  @ParameterizedTest
  @CsvSource({
    "100, status 100",
    "199, status 199",
    "400, the version",
    "401, credentials",
    "403, credentials",
    "407, credentials",
    "405, no PUT",
    "409, status 409",
    "411, status 411",
    "413, the form",
    "415, the form",
    "428, status 428",
    "430, status 430",
    "499, status 499"
  })
  void rejected(int code, String because) {
    assertThat(status(code).outcome())
        .isInstanceOfSatisfying(
            Outcome.Rejected.class,
            rejected -> {
              assertThat(rejected.status()).isEqualTo(code);
              assertThat(rejected.reason()).contains(because);
            });
  }

  @ParameterizedTest
  @CsvSource({"408, SERVER_ERROR", "429, BUSY", "500, SERVER_ERROR", "503, SERVER_ERROR"})
  void mayGetBetter(int code, Outcome.Cause cause) {
    Answer answer = new Answer.Status(code, Duration.ofSeconds(1), false);
    assertThat(answer.outcome()).isNull();
    assertThat(answer.lastOutcome(3))
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed -> {
              assertThat(failed.cause()).isEqualTo(cause);
              assertThat(failed.attempts()).isEqualTo(3);
              assertThat(failed.reason()).contains("(" + code + ")");
            });
  }

  @Test
  void broken() {
    Answer answer = new Answer.Broken(Outcome.Cause.TLS, "No certificate.");
    assertThat(answer.outcome()).isNull();
    assertThat(answer.lastOutcome(2))
        .isEqualTo(new Outcome.Failed(Outcome.Cause.TLS, 2, "No certificate."));
  }

  @Test
  void barred() {
    Outcome.Refused refusal = EndpointGuard.refusedAddress();
    assertThat(new Answer.Barred(refusal).outcome()).isEqualTo(refusal);
    assertThat(new Answer.Barred(refusal).lastOutcome(1)).isEqualTo(refusal);
  }
}
