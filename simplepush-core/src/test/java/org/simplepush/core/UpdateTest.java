package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class UpdateTest {
  private final ChannelId channel = ChannelId.random();

  @Test
  void versionsAreZeroToTheHighestLong() {
    assertThat(new Update(channel, 0).version()).isZero();
    assertThat(new Update(channel, Long.MAX_VALUE).version()).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> new Update(channel, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A version must be 0 or more, but was -1");
    assertThatThrownBy(() -> new Update(channel, Long.MIN_VALUE))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "00, 0",
    "1, 1",
    "10, 10",
    "007, 7",
    "9223372036854775799, 9223372036854775799",
    "9223372036854775800, 9223372036854775800",
    "9223372036854775806, 9223372036854775806",
    "9223372036854775807, 9223372036854775807",
    "0000000000000000000000000000000000000000, 0",
    "0000000000000000000009223372036854775807, 9223372036854775807",
  })
  void plainDigitsAreRead(String text, long version) {
    assertThat(Update.parseVersion(text)).isEqualTo(version);
    assertThat(Update.parseVersion(new StringBuilder(text))).isEqualTo(version);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "-",
        "+",
        "-0",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "1.0",
        "1,000",
        "1_000",
        "1e3",
        "0x1",
        "1L",
        "a",
        "/",
        ":",
        "\u0660",
        "\uff11",
        "\u00b2",
        "1\u0000",
        "9223372036854775808",
        "9223372036854775810",
        "9223372036854775900",
        "10000000000000000000",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551617",
        "99999999999999999999",
        "00000000000000000000009223372036854775807",
      })
  void everythingElseIsNoVersion(String text) {
    assertThat(Update.parseVersion(text)).isNull();
  }

  @Test
  void digitsAreReadAsANumberOfAnySizeWouldBe() {
    Random random = new Random(1);
    BigInteger highest = BigInteger.valueOf(Long.MAX_VALUE);
    for (int i = 0; i < 20_000; i++) {
      BigInteger number =
          random.nextBoolean()
              ? new BigInteger(1 + random.nextInt(70), random)
              : highest.add(BigInteger.valueOf(random.nextInt(200) - 100));
      Long expected = number.compareTo(highest) <= 0 ? (Long) number.longValueExact() : null;
      assertThat(Update.parseVersion(number.toString())).isEqualTo(expected);
    }
  }
}
