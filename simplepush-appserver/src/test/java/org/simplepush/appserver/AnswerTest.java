package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AnswerTest {
  private static Answer status(int code) {
    return new Answer.Status(code, null, false);
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 204, 299})
  void success(int code) {
    assertThat(status(code).verdict()).isEqualTo(new Verdict.Accepted(false));
    assertThat(new Answer.Status(code, null, true).verdict()).isEqualTo(new Verdict.Accepted(true));
  }

  @ParameterizedTest
  @ValueSource(ints = {404, 410})
  void gone(int code) {
    assertThat(status(code).verdict()).isEqualTo(new Verdict.Gone(code));
    assertThat(status(code).lastVerdict(3)).isEqualTo(new Verdict.Gone(code));
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 301, 307, 399})
  void redirect(int code) {
    assertThat(status(code).verdict())
        .isInstanceOfSatisfying(
            Verdict.Refused.class,
            refused -> assertThat(refused.check()).isEqualTo(Verdict.Check.REDIRECT));
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
    assertThat(status(code).verdict())
        .isInstanceOfSatisfying(
            Verdict.Rejected.class,
            rejected -> {
              assertThat(rejected.status()).isEqualTo(code);
              assertThat(rejected.reason()).contains(because);
            });
  }

  @ParameterizedTest
  @CsvSource({"408, SERVER_ERROR", "429, BUSY", "500, SERVER_ERROR", "503, SERVER_ERROR"})
  void mayGetBetter(int code, Verdict.Cause cause) {
    Answer answer = new Answer.Status(code, Duration.ofSeconds(1), false);
    assertThat(answer.verdict()).isNull();
    assertThat(answer.lastVerdict(3))
        .isInstanceOfSatisfying(
            Verdict.Failed.class,
            failed -> {
              assertThat(failed.cause()).isEqualTo(cause);
              assertThat(failed.attempts()).isEqualTo(3);
              assertThat(failed.reason()).contains("(" + code + ")");
            });
  }

  @Test
  void broken() {
    Answer answer = new Answer.Broken(Verdict.Cause.TLS, "No certificate.");
    assertThat(answer.verdict()).isNull();
    assertThat(answer.lastVerdict(2))
        .isEqualTo(new Verdict.Failed(Verdict.Cause.TLS, 2, "No certificate."));
  }

  @Test
  void barred() {
    Verdict.Refused refusal = EndpointGuard.refusedAddress();
    assertThat(new Answer.Barred(refusal).verdict()).isEqualTo(refusal);
    assertThat(new Answer.Barred(refusal).lastVerdict(1)).isEqualTo(refusal);
  }
}
