package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lettuce.core.api.async.BaseRedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.IntegerListOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import java.util.concurrent.CompletionStage;

/** The command that waits for the disk; Lettuce has no method for it. */
@SuppressWarnings("deprecation") // Lettuce 6 calls name(), which 7 has no use for
enum WaitAof implements ProtocolKeyword {
  WAITAOF;

  @Override
  public byte[] getBytes() {
    return toString().getBytes(US_ASCII);
  }

  /** Waits until what this connection has written is on the disk, of so many replicas too. */
  static CompletionStage<WriteWait.Written> send(
      BaseRedisAsyncCommands<byte[], byte[]> connection, int replicas, long millis) {
    return connection
        .dispatch(
            WAITAOF,
            new IntegerListOutput<>(ByteArrayCodec.INSTANCE),
            new CommandArgs<>(ByteArrayCodec.INSTANCE).add(1).add(replicas).add(millis))
        .thenApply(reply -> new WriteWait.Written(reply.get(0) == 1, reply.get(1)));
  }
}
