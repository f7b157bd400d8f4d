package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.OutcomeTally;

class AdaptersTest {
  @Test
  void everyKindOfOutcomeIsAVerdict() {
    assertThat(Adapters.verdict(new Outcome.Accepted(true))).isEqualTo(new Verdict.Accepted(true));
    assertThat(Adapters.verdict(new Outcome.Accepted())).isEqualTo(new Verdict.Accepted());
    assertThat(Adapters.verdict(new Outcome.Gone(410))).isEqualTo(new Verdict.Gone(410));
    assertThat(Adapters.verdict(new Outcome.Rejected(400, "Wrong.")))
        .isEqualTo(new Verdict.Rejected(400, "Wrong."));
  }

  @Test
  void verdictIsOfTheTypeOfItsOutcome() {
    List<Outcome> outcomes =
        List.of(
            new Outcome.Accepted(),
            new Outcome.Gone(410),
            new Outcome.Rejected(400, "Wrong."),
            new Outcome.Refused(Outcome.Check.URL, "Why."),
            new Outcome.Failed(Outcome.Cause.TLS, 1, "Why."));
    assertThat(outcomes).extracting(Outcome::type).containsExactly(Outcome.Type.values());
    assertThat(outcomes)
        .extracting(outcome -> Adapters.verdict(outcome).type())
        .containsExactly(Verdict.Type.values());
  }

  @ParameterizedTest
  @EnumSource
  void everyCheckHasItsName(Outcome.Check check) {
    assertThat(Adapters.verdict(new Outcome.Refused(check, "Why.")))
        .isEqualTo(new Verdict.Refused(Verdict.Check.valueOf(check.name()), "Why."));
  }

  @ParameterizedTest
  @EnumSource
  void everyCauseHasItsName(Outcome.Cause cause) {
    assertThat(Adapters.verdict(new Outcome.Failed(cause, 3, "Why.")))
        .isEqualTo(new Verdict.Failed(Verdict.Cause.valueOf(cause.name()), 3, "Why."));
  }

  @Test
  void noCheckOrCauseIsSaidOfWhichNoneExists() {
    assertThat(names(Verdict.Check.values())).isEqualTo(names(Outcome.Check.values()));
    assertThat(names(Verdict.Cause.values())).isEqualTo(names(Outcome.Cause.values()));
  }

  private static List<String> names(Enum<?>[] values) {
    return Arrays.stream(values).map(Enum::name).sorted().toList();
  }

  @Test
  void summaryHasEachNumberInItsPlace() {
    CompletableFuture<Summary> future = new CompletableFuture<>();
    Adapters.end(future).ended(new OutcomeTally.Counts(2, 1, 3, 4, 5, 6), true);
    assertThat(future).isCompletedWithValue(new Summary(2, 1, 3, 4, 5, 6, true));
    assertThat(future.join().total()).isEqualTo(20);
  }

  @Test
  void cancelledSummaryEndsTheFanOut() {
    CompletableFuture<Summary> future = new CompletableFuture<>();
    assertThat(Adapters.end(future).isKnown()).isFalse();
    future.cancel(true);
    assertThat(Adapters.end(future).isKnown()).isTrue();
  }
}
