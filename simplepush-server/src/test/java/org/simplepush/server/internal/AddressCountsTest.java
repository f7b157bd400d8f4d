package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A table that must count as a map would. */
@Timeout(30)
class AddressCountsTest {
  private final AddressCounts counts = new AddressCounts();

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void countsAsAMapDoes(long seed) {
    Random random = new Random(seed);
    Map<Long, Integer> model = new HashMap<>();
    for (int step = 0; step < 200_000; step++) {
      // Many addresses in the first half, few in the second, so that the table grows and shrinks.
      long address = 1 + random.nextInt(step < 100_000 ? 5_000 : 50);
      int had = model.getOrDefault(address, 0);
      if (random.nextInt(5) < 3) {
        assertThat(counts.add(address)).isEqualTo(had + 1);
        model.put(address, had + 1);
      } else if (had > 0) {
        counts.remove(address);
        model.compute(address, (same, n) -> n == 1 ? null : n - 1);
      }
    }
    model.forEach((address, n) -> assertThat(counts.count(address)).isEqualTo(n));
    assertThat(counts.size()).isEqualTo(model.size());
    model.forEach(
        (address, n) -> {
          for (int i = 0; i < n; i++) {
            counts.remove(address);
          }
        });
    assertThat(counts.size()).isZero();
    assertThat(counts.count(1)).isZero();
  }

  @Test
  void whoeverIsExemptIsNotCounted() {
    assertThat(counts.add(ClientAddresses.EXEMPT)).isZero();
    counts.remove(ClientAddresses.EXEMPT);
    assertThat(counts.count(ClientAddresses.EXEMPT)).isZero();
    assertThat(counts.size()).isZero();
  }

  @Test
  void oneTooManyIsNotTakenAway() {
    counts.add(7);
    counts.remove(7);
    assertThatThrownBy(() -> counts.remove(7)).isInstanceOf(IllegalStateException.class);
  }
}
