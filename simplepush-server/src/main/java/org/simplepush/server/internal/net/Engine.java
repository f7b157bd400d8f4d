package org.simplepush.server.internal.net;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Queue;
import org.java_websocket.WebSocket;
import org.java_websocket.WebSocketAdapter;
import org.java_websocket.WebSocketImpl;
import org.java_websocket.exceptions.InvalidDataException;
import org.java_websocket.framing.CloseFrame;
import org.java_websocket.framing.Framedata;
import org.java_websocket.handshake.Handshakedata;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;

/**
 * The WebSocket engine of a connection that needs one: decodes frames and makes control frames, and
 * calls its connection meanwhile. Confined to the loop of that.
 */
final class Engine extends WebSocketAdapter {
  private final Connection connection;
  private final PushDraft draft;
  private final WebSocketImpl webSocket;

  Engine(Connection connection, int maxMessageLength) {
    this.connection = connection;
    this.draft = new PushDraft(maxMessageLength);
    this.webSocket = new WebSocketImpl(this, List.of(draft));
    webSocket.decode(ByteBuffer.allocate(1)); // opens it: the draft takes it for the handshake
  }

  /** Decodes bytes that the guard has let pass. */
  void decode(ByteBuffer bytes) {
    webSocket.decode(bytes);
  }

  /** Returns why the connection has to be closed for what was decoded last, or null. */
  @Nullable CloseCode violation() {
    InvalidDataException malformed = draft.violation();
    if (malformed == null) {
      return null;
    }
    return switch (malformed.getCloseCode()) {
      case CloseFrame.NO_UTF8 -> CloseCode.INVALID_UTF8;
      case CloseFrame.TOOBIG -> CloseCode.TOO_BIG;
      default -> CloseCode.PROTOCOL_ERROR;
    };
  }

  void ping() {
    webSocket.sendPing();
  }

  void close(CloseCode code, String reason) {
    webSocket.close(code.code(), reason);
  }

  @Override
  public void onWebsocketOpen(WebSocket opened, Handshakedata handshake) {}

  @Override
  public void onWebsocketMessage(WebSocket from, String message) {
    connection.onText(message);
  }

  @Override
  public void onWebsocketMessage(WebSocket from, ByteBuffer blob) {
    connection.onBinary();
  }

  @Override
  public void onWebsocketPong(WebSocket from, Framedata pong) {
    ByteBuffer payload = pong.getPayloadData();
    if (payload.remaining() == Long.BYTES) {
      connection.onPong(payload.getLong(payload.position()));
    }
  }

  @Override
  public void onWriteDemand(WebSocket demanding) {
    Queue<ByteBuffer> queue = ((WebSocketImpl) demanding).outQueue;
    for (ByteBuffer next = queue.poll(); next != null; next = queue.poll()) {
      connection.write(next);
    }
  }

  @Override
  public void onWebsocketClosing(WebSocket closing, int code, String reason, boolean remote) {
    connection.beginClosing();
  }

  @Override
  public void onWebsocketClose(WebSocket closed, int code, String reason, boolean remote) {
    connection.closeNow();
  }

  @Override
  public void onWebsocketCloseInitiated(WebSocket closing, int code, String reason) {}

  @Override
  public void onWebsocketError(WebSocket failing, Exception error) {
    connection.onFailure(error);
  }

  @Override
  public @Nullable InetSocketAddress getLocalSocketAddress(WebSocket asking) {
    return null; // nobody asks
  }

  @Override
  public @Nullable InetSocketAddress getRemoteSocketAddress(WebSocket asking) {
    return null; // nobody asks
  }
}
