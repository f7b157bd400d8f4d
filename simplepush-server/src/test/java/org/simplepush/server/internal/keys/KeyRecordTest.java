package org.simplepush.server.internal.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.EndpointKeysException;
import org.simplepush.server.internal.EndpointTokens;

class KeyRecordTest {
  private static byte[] key(int seed) {
    byte[] key = new byte[EndpointTokens.KEY_LENGTH];
    Arrays.fill(key, (byte) seed);
    return key;
  }

  private static final KeyRecord ALL =
      new KeyRecord(
          List.of(KeyRecord.Entry.handedIn(key(1), 10), KeyRecord.Entry.kept(key(2), 20)),
          KeyRecord.Entry.kept(key(3), 0),
          true,
          4,
          "mark");

  @Test
  void recordIsReadAsItWasWritten() throws Exception {
    assertThat(KeyRecord.parse(ALL.text())).isEqualTo(ALL);
    KeyRecord least = KeyRecord.of(List.of(KeyRecord.Entry.handedIn(key(1), 10)));
    assertThat(KeyRecord.parse(least.text())).isEqualTo(least);
  }

  @Test
  void keysThatAreKeptComeInTheOrderInWhichTheyMayOpen() {
    KeyRecord three =
        new KeyRecord(
            List.of(KeyRecord.Entry.kept(key(1), 10), KeyRecord.Entry.kept(key(2), 20)),
            KeyRecord.Entry.kept(key(3), 0),
            false,
            0,
            null);
    assertThat(three.kept()).containsExactly(key(2), key(1), key(3));
  }

  @Test
  void recordSaysNothingOfItsKeys() {
    assertThat(ALL.toString())
        .doesNotContain(
            Base64.getEncoder().encodeToString(key(2)), KeyRecord.fingerprintOf(key(2)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "simplepush endpoint keys 1\n",
        "simplepush endpoint keys 1\nissued\n",
        "simplepush endpoint keys 1\nissued ab x\n",
        "simplepush endpoint keys 1\nissued ab 1 !!!!\n",
        "simplepush endpoint keys 1\nissued ab 1 AAAA\n",
        "simplepush endpoint keys 1\nissued ab 1\nunknown 1\n",
        "simplepush endpoint keys 1\nissued ab 1\nstarted-over\n",
      })
  void damagedRecordIsRefusedAndNotQuoted(String text) {
    assertThatThrownBy(() -> KeyRecord.parse(text))
        .isInstanceOf(EndpointKeysException.class)
        .hasNoCause()
        .hasMessage("The store's record of the endpoint keys is damaged: restore the store");
  }
}
