package org.simplepush.server.internal.net;

import java.nio.ByteBuffer;
import java.util.List;
import org.java_websocket.WebSocketImpl;
import org.java_websocket.drafts.Draft;
import org.java_websocket.drafts.Draft_6455;
import org.java_websocket.enums.HandshakeState;
import org.java_websocket.enums.Role;
import org.java_websocket.exceptions.InvalidDataException;
import org.java_websocket.framing.CloseFrame;
import org.java_websocket.framing.Framedata;
import org.java_websocket.handshake.ClientHandshake;
import org.java_websocket.handshake.HandshakeBuilder;
import org.java_websocket.handshake.HandshakeImpl1Client;
import org.java_websocket.handshake.Handshakedata;
import org.java_websocket.handshake.ServerHandshakeBuilder;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.framing.UpgradeRequest;

/**
 * RFC 6455 as the engine knows it, without extensions and without an error log of what strangers
 * send. The handshake is only feigned: {@link UpgradeRequest} has judged and answered it.
 */
final class PushDraft extends Draft_6455 {
  private @Nullable InvalidDataException violation;

  /** For one connection, whose request has been answered. */
  PushDraft(int maxMessageLength) {
    super(List.of(), List.of(), maxMessageLength);
    setParseMode(Role.SERVER);
  }

  /** Returns what was wrong with the frames read last, or null. */
  @Nullable InvalidDataException violation() {
    return violation;
  }

  @Override
  public List<Framedata> translateFrame(ByteBuffer buffer) {
    try {
      return super.translateFrame(buffer);
    } catch (InvalidDataException e) {
      violation = e;
      return List.of();
    } catch (NullPointerException e) {
      // What version 1.6.0 makes of a close frame whose reason is not UTF-8.
      violation = new InvalidDataException(CloseFrame.NO_UTF8, e);
      return List.of();
    }
  }

  @Override
  public void processFrame(WebSocketImpl webSocket, Framedata frame) {
    if (violation != null) {
      return; // nothing counts that came after it, even in the same segment
    }
    try {
      super.processFrame(webSocket, frame);
    } catch (InvalidDataException e) {
      violation = e;
    }
  }

  // The handshake

  @Override
  public Draft copyInstance() {
    return this; // it belongs to one connection already
  }

  @Override
  public Handshakedata translateHandshake(ByteBuffer request) {
    request.position(request.limit());
    return new HandshakeImpl1Client();
  }

  @Override
  public HandshakeState acceptHandshakeAsServer(ClientHandshake request) {
    return HandshakeState.MATCHED;
  }

  @Override
  public HandshakeBuilder postProcessHandshakeResponseAsServer(
      ClientHandshake request, ServerHandshakeBuilder response) {
    return response;
  }

  @Override
  public List<ByteBuffer> createHandshake(Handshakedata response) {
    return List.of();
  }
}
